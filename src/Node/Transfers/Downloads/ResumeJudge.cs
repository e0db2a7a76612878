using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>Who says what an answer is good for: <see cref="ResumeRules.Decide"/>, and in tests a judge that leaves a rule out, to see that it is missed.</summary>
internal delegate ResumeStep ResumeJudge(PartState? part, ResponseHead head, bool askedAgain, SourceChangePolicy policy, bool hasDigest);
