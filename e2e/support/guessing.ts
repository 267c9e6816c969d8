/** A rule file: logins that fail, and many of them. `minutes` is the window. */
export const guessing = (minutes: number, title = 'Many failures'): string => `
title: A failure
name: failure_of_test
level: informational
logsource: {product: sealtrail}
detection: {selection: {action: test.login, outcome: failure}, condition: selection}
sealtrail:
  tests:
    - {name: one, match: true, event: {action: test.login, outcome: failure}}
    - {name: none, match: false, event: {action: test.login, outcome: success}}
---
title: ${title}
name: failures_of_test
description: Somebody guesses passwords.
level: high
correlation: {type: event_count, rules: [failure_of_test], group-by: [actor.id], timespan: ${minutes}m, condition: {gte: 4}}
sealtrail:
  tests:
    - {name: four, match: true, events: [{event: {action: test.login, outcome: failure, actor: {id: u}}, times: 4}]}
    - {name: three, match: false, events: [{event: {action: test.login, outcome: failure, actor: {id: u}}, times: 3}]}
`;
