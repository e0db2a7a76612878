using System.Text.Json;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// A named group of a session's tasks, which run in parallel or one at a time. Only a handle: the group begins with the first task that
/// names it, or with <see cref="CreateAsync"/>.
/// </summary>
public sealed class TransferGroup
{
    private readonly Caller _caller;
    private readonly string _session;
    private readonly string _path;

    internal TransferGroup(Caller caller, string session, GroupName name)
    {
        (_caller, _session) = (caller, session);
        _path = $"{session}/groups/{Uri.EscapeDataString(name.ToString())}";
        Name = name.ToString();
    }

    /// <summary>Its name in the session.</summary>
    public string Name { get; }

    /// <summary>Creates the group, or finds it; with a mode (<c>parallel</c>, <c>serialized</c>) it runs like that from now on.</summary>
    public Task<GroupView> CreateAsync(string? mode = null, CancellationToken stop = default) =>
        _caller.RunAsync(
            new Call(HttpMethod.Put, _path) { Body = JsonSerializer.SerializeToUtf8Bytes(new GroupRequest { Mode = mode }, ProtocolJson.Default.GroupRequest) },
            Caller.ReadAs(ProtocolJson.Default.GroupView),
            stop);

    /// <summary>The group with its tasks by state.</summary>
    public Task<GroupView> GetAsync(CancellationToken stop = default) => _caller.GetAsync(_path, ProtocolJson.Default.GroupView, stop);

    /// <summary>Its tasks in order of their creation, also those that have ended.</summary>
    /// <param name="state">One of the states or outcomes.</param>
    /// <param name="kind"><c>download</c> or <c>upload</c>.</param>
    /// <param name="stop">Ends the enumeration.</param>
    public IAsyncEnumerable<TaskView> ListTasksAsync(string? state = null, string? kind = null, CancellationToken stop = default) =>
        _caller.ListAsync(
            $"{_session}/tasks", new Query().With("group", Name).With("state", state).With("kind", kind), ProtocolJson.Default.PageTaskView, stop);

    /// <summary>Stops all of its tasks without ending them.</summary>
    public Task<GroupView> SuspendAsync(CommandId? intent = null, CancellationToken stop = default) => ActAsync("suspend", intent, stop);

    /// <summary>Lets all of its tasks run.</summary>
    public Task<GroupView> ResumeAsync(CommandId? intent = null, CancellationToken stop = default) => ActAsync("resume", intent, stop);

    /// <summary>Ends all of its tasks as <c>cancelled</c>.</summary>
    public Task<GroupView> CancelAsync(CommandId? intent = null, CancellationToken stop = default) => ActAsync("cancel", intent, stop);

    private Task<GroupView> ActAsync(string verb, CommandId? intent, CancellationToken stop) =>
        _caller.CommandAsync(HttpMethod.Post, $"{_path}/{verb}", null, ProtocolJson.Default.GroupView, intent, stop);
}
