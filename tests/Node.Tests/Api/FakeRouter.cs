using System.Collections.Concurrent;
using System.Text;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Tests.Api;

/// <summary>Records what reaches the router, and answers as it is told.</summary>
internal sealed class FakeRouter : ICommandRouter
{
    private readonly ConcurrentQueue<Call> _calls = new();
    private long _ordinal;

    public IReadOnlyList<Call> Calls => [.. _calls];

    /// <summary>Answers the call of this index (from 0); null leaves it to the default answers.</summary>
    public Func<int, Call, ValueTask<CommandReply?>>? Answer { get; set; }

    public async ValueTask<CommandReply> ExecuteAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline, CancellationToken stop)
    {
        var call = new Call(session, command, key, deadline);
        int index;
        lock (_calls)
        {
            index = _calls.Count;
            _calls.Enqueue(call);
        }
        if (Answer is { } answer && await answer(index, call) is { } chosen)
            return chosen;
        return command switch
        {
            SessionCommand.Open => Done(201, $$"""{"identifier":"{{session.Identifier}}"}"""),
            SessionCommand.AddTask => Done(201, """{"kind":"download","id":"t7"}"""),
            SessionCommand.AddTasks many => Done(200, Results(many.Entries)),
            SessionCommand.End or SessionCommand.ResumeTask or SessionCommand.SuspendTask or SessionCommand.CancelTask => Done(202, "{}"),
            _ => Done(200, "{}"),
        };
    }

    public void Reset()
    {
        Answer = null;
        _calls.Clear();
        _ordinal = 0;
    }

    public static CommandReply Done(int status, string json) => new CommandReply.Done(status, Encoding.UTF8.GetBytes(json));

    /// <summary>What a session answers to a batch: an id for each good entry, the error of each bad one.</summary>
    private string Results(IReadOnlyList<BatchEntry> entries) => "[" + string.Join(',', entries.Select(entry =>
        entry.Spec is { } spec
            ? $$"""{"index":{{entry.Index}},"status":201,"id":"{{spec.Id?.ToString() ?? $"t{Interlocked.Increment(ref _ordinal)}"}}"}"""
            : $$$"""{"index":{{{entry.Index}}},"status":{{{entry.Problem!.Status}}},"error":{"code":"{{{entry.Problem.Code}}}","message":"no"}}""")) + "]";

    internal sealed record Call(SessionKey Session, SessionCommand Command, CommandKey? Key, TimeSpan Deadline);
}
