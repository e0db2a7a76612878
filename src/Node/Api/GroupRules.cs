using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Names of groups, and how they run. Pure.</summary>
internal static class GroupRules
{
    public static Problem? Check(string? name, string field) =>
        name is null || GroupName.TryParse(name, out _) ? null : Problems.Create(400, ProblemCodes.InvalidIdentifier, GroupName.Rule, field);

    /// <summary>A name in a path.</summary>
    public static Problem? TryRead(string text, out GroupName name) =>
        GroupName.TryParse(text, out name) ? null : Problems.Create(400, ProblemCodes.InvalidIdentifier, GroupName.Rule);

    /// <summary>Of a name that was checked, or of none.</summary>
    public static GroupName? ToName(string? name) => GroupName.TryParse(name, out var parsed) ? parsed : null;

    public static Validated<SessionCommand> Validate(GroupName group, GroupRequest request) => request.Mode switch
    {
        null => new SessionCommand.PutGroup(group, null),
        "parallel" => new SessionCommand.PutGroup(group, GroupMode.Parallel),
        "serialized" => new SessionCommand.PutGroup(group, GroupMode.Serialized),
        _ => Problems.Create(400, ProblemCodes.InvalidField, "mode must be parallel or serialized.", "mode"),
    };
}
