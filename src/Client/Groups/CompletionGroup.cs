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
    private readonly string _path;

    internal CompletionGroup(Caller caller, string session, GroupName name)
    {
        _caller = caller;
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

    /// <summary>Closes the set. It fires when the last of its tasks has ended, at once when it has none.</summary>
    public Task<CompletionGroupView> EnableAsync(CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(HttpMethod.Post, $"{_path}/enable", null, ProtocolJson.Default.CompletionGroupView, intent, stop);
}
