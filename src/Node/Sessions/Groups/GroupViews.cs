using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>From a group to what clients see of it.</summary>
internal static class GroupViews
{
    public static CommandReply.Done Reply(int status, TaskGroup group) =>
        SessionViews.Json(status, View(group) with { Created = status == 201 ? true : null }, ProtocolJson.Default.GroupView);

    public static GroupView View(TaskGroup group) => new()
    {
        Name = group.Name.ToString(),
        Mode = group.IsSerialized ? "serialized" : "parallel",
        Next = group.IsSerialized ? group.Next()?.Id.ToString() : null,
        Counts = new TaskCounts
        {
            Suspended = group.CountOf(TaskPhase.Suspended),
            Waiting = group.CountOf(TaskPhase.Waiting),
            Running = group.CountOf(TaskPhase.Running),
            Canceling = group.CountOf(TaskPhase.Canceling),
            Succeeded = group.State.Ended.Succeeded,
            Failed = group.State.Ended.Failed,
            Cancelled = group.State.Ended.Cancelled,
            Expired = group.State.Ended.Expired,
        },
    };

    public static Page<GroupView> Page(GroupBook groups, string? after, int limit)
    {
        var found = groups.After(after).Take(limit + 1).ToList();
        return new Page<GroupView> { Items = [.. found.Take(limit).Select(View)], Next = found.Count > limit ? GroupCursor.Of(found[limit - 1].Name) : null };
    }

    public static string WordOf(GroupAct act) => act switch
    {
        GroupAct.Suspend => "suspend",
        GroupAct.Resume => "resume",
        GroupAct.Cancel => "cancel",
        _ => throw new ArgumentOutOfRangeException(nameof(act), act, "not an act"),
    };
}
