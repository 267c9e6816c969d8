/**
 * Whom and what alerts that are not resolved are about: values of their entity, actors and addresses, so that those with
 * something in common are found. As SQL that reads `alert` and fills `alert_subject`.
 *
 * @param which condition on `alert`
 */
export const addSubjects = (which: string): string => `
  INSERT OR IGNORE INTO alert_subject (trail, kind, value, alert)
  SELECT alert.trail, 'entity.' || part.key, CAST(part.value AS TEXT), alert.id
  FROM alert, json_each(alert.body, '$.entity') AS part WHERE status <> 'resolved' AND ${which}
  UNION ALL SELECT alert.trail, 'actor', part.value, alert.id
  FROM alert, json_each(alert.body, '$.actors') AS part WHERE status <> 'resolved' AND ${which}
  UNION ALL SELECT alert.trail, 'address', part.value, alert.id
  FROM alert, json_each(alert.body, '$.addresses') AS part WHERE status <> 'resolved' AND ${which}`;

/** Alerts of a trail that have a subject in common with an entity, actors and addresses; each given as JSON. */
export const alertsSharing = `
  WITH mine (kind, value) AS (
    SELECT 'entity.' || key, CAST(value AS TEXT) FROM json_each(@entity)
    UNION SELECT 'actor', value FROM json_each(@actors)
    UNION SELECT 'address', value FROM json_each(@addresses))
  SELECT alert_subject.alert FROM mine CROSS JOIN alert_subject
  ON alert_subject.trail = @trail AND alert_subject.kind = mine.kind AND alert_subject.value = mine.value`;
