// Why what came out otherwise than third parties expect did so; a test holds that nothing is left unexplained.

/** Events that rules look for and did not find, by the name of the event or of its detection. */
export const misses: Readonly<Record<string, string>> = {
  'AWS.Potential.Backdoor.Lambda': 'the record does not say to whom the function was opened',
  'AWS.EC2.Traffic.Mirroring#2': 'the attempt failed, so nothing is copied',
  'AWS.EC2.Traffic.Mirroring#4': 'a mirror was taken down: no copy of traffic begins',
  'AWS.CloudTrail.IAMAnythingChanged': 'by a stack of CloudFormation; rules speak of changes by hand',
  'AWS.IAM.Group.Read.Only.Events': 'by CloudFormation, which reads what it manages',
  'AWS.CloudTrail.ResourceMadePublic#10':
    'the policy came parsed: Sigma cannot say that one and the same element of a list is open and has no condition',
  'AWS.S3.SecurityControlDisabling#2': 'a state of versions that S3 does not have (`Disabled`)',
  'AWS.S3.SuspendVersioning#1': 'a state of versions that S3 does not have (`Disabled`)',
  'Okta.Group.Admin.Role.Assigned': 'the outcome is a failure: no role was granted',
};

/** Events that are not to be found and were, by rules that look for what their detection looks for. */
export const wronglyFound: Readonly<Record<string, string>> = {
  'AWS.IAM.CreateRole#1': 'all rights were given to a user, by hand: found as that',
  'AWS.RDS.PublicRestore#0':
    'a database was created open to the internet, where the detection is about restored ones',
  'AWS.RDS.SecurityGroupIngressAuthorized#4': 'the same group was changed in another way',
  'AWS.S3.SuspendVersioning#4': 'another protection of the bucket was removed: one rule is for all of them',
  'AWS.SecretsManager.BatchRetrieveSecretsCatchAll#1':
    'secrets were read by a filter, of which the detection lets pass those with a second, narrower part',
  'AWS.User.Login.Profile.Modified#0':
    'the name of the session is that of the user; whoever assumes a role chooses it, so it proves nothing',
  'AWS.User.Login.Profile.Modified#2':
    'the user must change the password at the next sign-in, and whoever set it knows it until then',
  'AWS.CloudTrail.VPCE.S3ExternalIP#2': 'a public address behind an endpoint of another service than S3',
  'GitHub.Workflow.PermissionsModified#1':
    'the log says `create` for the first time that the setting is made; what is allowed now is as open',
  'Okta.User.MFA.Factor.Suspend#1': 'all factors of the user were reset, by the same rule',
};

/** Rules that find something in events that another detection is not to find. */
export const strictly: Readonly<Record<string, string>> = {
  after_hours_administration:
    'administration outside of office hours in UTC, of entries of any source; meant to be set for the installation',
  backup_deleted: 'an event that was made up: S3 replication by the name of EC2',
  sso_changed:
    'single sign-on was set up by the service itself; the rule for AWS leaves that out, the general one does not',
  attack_tool_user_agent:
    'a search tool for leaked keys assumed a role: an attack, if not the one that was looked for',
  refresh_token_reused: 'a token was used again, which is what the rule is for',
  password_set_for_other: 'an administrator set a password, which is what the rule is for',
  mfa_removed: 'factors were reset, which is what the rule is for',
  actor_risk: 'points of the other findings of this list add up',
  address_risk: 'points of the other findings of this list add up',
  mfa_reset_of_other: 'factors were reset, which is what the rule is for',
};

/** Attacks in logs that were not found, by the scenario that finds them. */
export const missedAttacks: Readonly<Record<string, string>> = {
  'crowdsecurity/http-generic-test': 'no attack: a path by which crowdsec tests itself',
  'crowdsecurity/ssh-generic-test': 'no attack: a user by which crowdsec tests itself',
  'crowdsecurity/impossible-travel': 'needs a database of locations, which the operator gives',
  'crowdsecurity/impossible-travel-user': 'needs a database of locations, which the operator gives',
  'baudneo/zoneminder_cve-2022-39290':
    'a request of the application itself, by GET in the place of POST; nothing in it looks like an attack',
  'baudneo/zoneminder_cve-2022-39291':
    'requests of the application itself that fill its log; nothing in one of them looks like an attack',
};

/** Alarms about addresses of which the tests of logs expect none, by the test. */
export const otherAlarms: Readonly<Record<string, string>> = {
  traefik_clf: 'lines for a parser, in which the user agent is that of a scanner',
  'CVE-2024-38475': '`GET /etc/passwd`: no use of that weakness, and an attack nevertheless',
  'ssh-time-based-bf': 'four users that do not exist within an hour, which that scenario lets pass',
};
