// Timed tests of panther-analysis for its correlations. They say when which part of a correlation spoke and for which
// value, and hold no events: those are made here, of the fields that the parts are about, as their sources write them.
import { records } from './corpus.ts';
import { detect, takeRecord, withTime } from './pipeline.ts';

interface Output {
  readonly ID: string;
  readonly Matches: Readonly<Record<string, Readonly<Record<string, readonly (string | number)[]>>>>;
}
interface Correlation {
  readonly RuleID: string;
  readonly Tests: readonly {
    readonly Name: string;
    readonly ExpectedResult: boolean;
    readonly RuleOutputs: readonly Output[];
  }[];
}

/** A record of a part, for the value that parts have in common. */
type MakeRecord = (value: string) => object;

interface Replay {
  readonly source: string;
  /** Our rules that look for it. */
  readonly rules: readonly string[];
  readonly parts: Readonly<Record<string, MakeRecord>>;
}

const aws = (service: string, eventName: string, rest: object): object => ({
  eventSource: `${service}.amazonaws.com`,
  eventName,
  userIdentity: { type: 'IAMUser', userName: 'u_1', arn: 'arn:aws:iam::123456789012:user/u_1' },
  recipientAccountId: '123456789012',
  awsRegion: 'us-east-1',
  ...rest,
});
const adminPolicy = 'arn:aws:iam::aws:policy/AdministratorAccess';
/** `1.1.1.1alice`: an address and a user. */
const addressAndUser = (value: string): readonly string[] => /^([\d.]*\d)(\D.*)$/.exec(value)!.slice(1);
/** `1.1.1.1-SOME_KEY`: an address and a key, whose id is given the form that they have. */
const addressAndKey = (value: string): readonly string[] => {
  const [address, key] = value.split('-');
  return [address!, `AKIA${key!.replaceAll('_', '').slice(0, 16).padEnd(16, 'X')}`];
};
/** `111122223333_us-east-1`: an account and a region. */
const mailQuestion =
  (eventName: string): MakeRecord =>
  (value) => {
    const [recipientAccountId, awsRegion] = value.split('_');
    return aws('ses', eventName, { recipientAccountId, awsRegion });
  };

const replays: Readonly<Record<string, Replay>> = {
  'AWS.EC2.StopInstance.WITH.ModifyInstanceAttributes': {
    source: 'aws-cloudtrail',
    rules: ['aws_stopped_for_script'],
    parts: {
      StopInstance: (instanceId) =>
        aws('ec2', 'StopInstances', { requestParameters: { instancesSet: { items: [{ instanceId }] } } }),
      StartupScriptChange: (instanceId) =>
        aws('ec2', 'ModifyInstanceAttribute', {
          requestParameters: { instanceId, userData: '<sensitiveDataRemoved>' },
        }),
    },
  },
  'AWS.Administrative.IAM.User.Created.Group': {
    source: 'aws-cloudtrail',
    rules: ['aws_admin_user_created'],
    parts: {
      CreateUser: (userName) => aws('iam', 'CreateUser', { requestParameters: { userName } }),
      AttachAdminUserPolicy: (userName) =>
        aws('iam', 'AttachUserPolicy', { requestParameters: { userName, policyArn: adminPolicy } }),
    },
  },
  'AWS.Backdoor.Administrative.IAM.Role.Created.Group': {
    source: 'aws-cloudtrail',
    rules: ['aws_admin_role_created'],
    parts: {
      CreateRole: (roleName) => aws('iam', 'CreateRole', { requestParameters: { roleName } }),
      AttachAdminRolePolicy: (roleName) =>
        aws('iam', 'AttachRolePolicy', { requestParameters: { roleName, policyArn: adminPolicy } }),
    },
  },
  'AWS.S3.Disable.Security.Controls': {
    source: 'aws-cloudtrail',
    rules: ['aws_s3_protections_removed'],
    parts: {
      'Disable S3 Logging': (bucketName) =>
        aws('s3', 'PutBucketLogging', { requestParameters: { bucketName, BucketLoggingStatus: {} } }),
      'Versioning Suspended': (bucketName) =>
        aws('s3', 'PutBucketVersioning', {
          requestParameters: { bucketName, VersioningConfiguration: { Status: 'Suspended' } },
        }),
      'MFA Delete Disabled': (bucketName) =>
        aws('s3', 'PutBucketVersioning', {
          requestParameters: { bucketName, VersioningConfiguration: { MfaDelete: 'Disabled' } },
        }),
    },
  },
  'AWS.User.Takeover.Via.Password.Reset.Group': {
    source: 'aws-cloudtrail',
    rules: ['aws_takeover_by_password'],
    parts: {
      'Password Reset': (value) => {
        const [sourceIPAddress, userName] = addressAndUser(value);
        return aws('iam', 'UpdateLoginProfile', { sourceIPAddress, requestParameters: { userName } });
      },
      Login: (value) => {
        const [sourceIPAddress, userName] = addressAndUser(value);
        return aws('signin', 'ConsoleLogin', {
          sourceIPAddress,
          userIdentity: { type: 'IAMUser', userName },
          responseElements: { ConsoleLogin: 'Success' },
        });
      },
    },
  },
  'AWS.Privilege.Escalation.Via.User.Compromise.Group': {
    source: 'aws-cloudtrail',
    rules: ['aws_access_key_for_other_user_used'],
    parts: {
      'User Backdoored': (value) => {
        const [sourceIPAddress, accessKeyId] = addressAndKey(value);
        return aws('iam', 'CreateAccessKey', {
          sourceIPAddress,
          requestParameters: { userName: 'u_2' },
          responseElements: { accessKey: { accessKeyId } },
        });
      },
      'User Accessed': (value) => {
        const [sourceIPAddress, accessKeyId] = addressAndKey(value);
        return aws('s3', 'ListBuckets', {
          sourceIPAddress,
          userIdentity: { type: 'IAMUser', userName: 'u_2', accessKeyId },
        });
      },
    },
  },
  'AWS.CloudTrail.SES.SESEnumeration': {
    source: 'aws-cloudtrail',
    rules: ['aws_mail_discovery'],
    parts: {
      CheckSendingEnabled: mailQuestion('GetAccountSendingEnabled'),
      CheckSendQuota: mailQuestion('GetSendQuota'),
      ListIdentities: mailQuestion('ListIdentities'),
      CheckVerifications: mailQuestion('GetIdentityVerificationAttributes'),
    },
  },
  'GitHub.Advanced.Security.Change.NOT.FOLLOWED.BY.Repo.Archived': {
    source: 'github-audit',
    rules: ['github_security_feature_disabled'],
    parts: {
      GHASChange: (repo) => ({ action: 'repo.advanced_security_disabled', actor: 'u_1', repo }),
      RepoArchived: (repo) => ({ action: 'repo.archived', actor: 'u_1', repo }),
    },
  },
};

/** Correlations about these sources that are not played, with the reason. */
export const notPlayed: Readonly<Record<string, string>> = {
  'AWS.Console.Sign-In.WITHOUT.Okta':
    'that something else did not come first, and only where all people sign in by Okta',
  'AWS.S3.ObjectExfiltration.WITH.ObjectDeletion': 'copies to buckets of other accounts are not told apart',
  'AWS.SSO.Access.Token.Retrieved.by.Unauthenticated.IP.Group': 'that something else did not come first',
  'GitHub.ArtifactDownload.FROM.CrossFork.Workflow': 'webhooks of GitHub are no source yet',
  'GitHub.PullRequestTarget.WITH.Checkout.In.Workflow': 'webhooks of GitHub are no source yet',
  'GitHub.PullRequestTarget.WITH.SelfHostedRunner': 'webhooks of GitHub are no source yet',
  'Okta.Login.Without.Push.Group': 'needs a product that is no source here',
  'Potential.Compromised.Okta.Credentials.Group': 'needs a product that is no source here',
  'Secret.Exposed.and.not.Quarantined.Group':
    'that something else does not follow; each exposed secret is a finding here',
};

export interface TimedResult {
  readonly correlation: string;
  readonly test: string;
  readonly expected: boolean;
  readonly found: boolean;
}

/** Plays the timed tests of those correlations for which there is a rule. */
export function timedCorrelations(): readonly TimedResult[] {
  return records<Correlation>('03-panther-labelled-events/correlation_tests.jsonl').flatMap(
    ({ RuleID, Tests }) => {
      const replay = replays[RuleID];
      if (replay === undefined) return [];
      return Tests.map(({ Name, ExpectedResult, RuleOutputs }) => ({
        correlation: RuleID,
        test: Name,
        expected: ExpectedResult,
        found: isFound(replay, RuleOutputs),
      }));
    },
  );
}

function isFound({ source, rules, parts }: Replay, outputs: readonly Output[]): boolean {
  const inputs = outputs.flatMap(({ ID, Matches }) =>
    Object.values(Matches).flatMap((values) =>
      Object.entries(values).flatMap(([value, times]) => {
        const taken = takeRecord(source, withTime(source, parts[ID]!(value)));
        if (taken.is !== 'input') throw new Error(`expected a record of ${source} for ${ID}`);
        return times.map((time) => ({ ...taken.input, timeMs: timeOf(time) }));
      }),
    ),
  );
  return detect(inputs).findings.some(({ rule }) => rules.includes(rule));
}

/** A time, or minutes since some beginning. */
const timeOf = (time: string | number): number =>
  typeof time === 'number' ? Date.UTC(2024, 5, 1) + time * 60_000 : Date.parse(time);
