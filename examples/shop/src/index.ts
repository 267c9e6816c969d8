export { createShop, type ShopOptions } from './shop.ts';
export { driveTraffic, type TrafficOptions } from './traffic/traffic.ts';
