using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// A set of a session's tasks that says once that all of them have ended: create tasks that name it, then enable it; the event
/// <c>completionGroupFired</c> follows. Only a handle.
/// </summary>
public sealed class CompletionGroup
{
    private readonly Caller _caller;
    private readonly string _session;
    private readonly string _path;

    internal CompletionGroup(Caller caller, string session, GroupName name)
    {
        (_caller, _session) = (caller, session);
        _path = $"{session}/completion-groups/{Uri.EscapeDataString(name.ToString())}";
        Name = name.ToString();
    }

    /// <summary>Its name in the session.</summary>
    public string Name { get; }

    /// <summary>Creates it, or finds it; a task that names it does so too.</summary>
    public Task<CompletionGroupView> CreateAsync(CancellationToken stop = default) =>
        _caller.RunAsync(new Call(HttpMethod.Put, _path), Caller.ReadAs(ProtocolJson.Default.CompletionGroupView), stop);

    /// <summary>Its state, with its tasks counted. When it has fired and its event was acknowledged, there is none any more.</summary>
    public Task<CompletionGroupView> GetAsync(CancellationToken stop = default) => _caller.GetAsync(_path, ProtocolJson.Default.CompletionGroupView, stop);

    /// <summary>
    /// The tasks that name it in order of their creation, also those that have ended: with a <paramref name="kind"/> the set's downloads or uploads. When the name was
    /// free again and taken once more, those of both sets.
    /// </summary>
    /// <param name="state">One of the states or outcomes.</param>
    /// <param name="kind"><c>download</c> or <c>upload</c>.</param>
    /// <param name="stop">Ends the enumeration.</param>
    public IAsyncEnumerable<TaskView> ListTasksAsync(string? state = null, string? kind = null, CancellationToken stop = default) =>
        _caller.ListAsync(
            $"{_session}/tasks", new Query().With("completionGroup", Name).With("state", state).With("kind", kind), ProtocolJson.Default.PageTaskView, stop);

    /// <summary>Closes the set. It fires when the last of its tasks has ended, at once when it has none.</summary>
    public Task<CompletionGroupView> EnableAsync(CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(HttpMethod.Post, $"{_path}/enable", null, ProtocolJson.Default.CompletionGroupView, intent, stop);
}
