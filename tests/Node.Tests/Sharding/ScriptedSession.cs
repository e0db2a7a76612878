using System.Text;
using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Protocol;

namespace Backhaul.Node.Tests.Sharding;

/// <summary>What the sessions of a test do, and what was done with them.</summary>
internal sealed class SessionScript
{
    public Func<SessionKey, ActorContext<SessionMessage>, ValueTask>? OnLoad { get; set; }

    public Func<SessionKey, string, ActorContext<SessionMessage>, ValueTask>? OnExecute { get; set; }

    public Func<SessionKey, ActorContext<SessionMessage>, ValueTask>? OnStop { get; set; }

    /// <summary>In order: <c>load orders</c>, <c>orders hello</c>, <c>stop orders Drain</c>.</summary>
    public List<string> Lines { get; } = [];

    public int Loading { get; set; }

    public int LoadingMax { get; set; }

    public Dictionary<SessionKey, int> Instances { get; } = [];
}

/// <summary>A session without a journal: answers each command with its text, and follows the script.</summary>
internal sealed class ScriptedSession(SessionKey session, ShardTenure tenure, SessionScript script) : Actor<SessionMessage>
{
    private bool _counted;

    /// <summary>A command that carries a text: of the wire's commands the one with a free text that changes nothing.</summary>
    public static SessionCommand CommandOf(string text) => new SessionCommand.AddTask(
        new TaskSpec { Kind = TaskKind.Download, Url = "https://origin.example/", Method = "GET", Description = text });

    protected internal override async ValueTask StartAsync(ActorContext<SessionMessage> context)
    {
        script.Lines.Add($"load {session.Identifier}");
        script.LoadingMax = Math.Max(script.LoadingMax, ++script.Loading);
        try
        {
            if (script.OnLoad is { } onLoad)
                await onLoad(session, context);
        }
        finally
        {
            script.Loading--;
        }
        var instances = script.Instances.GetValueOrDefault(session) + 1;
        if (instances > 1)
            throw new InvalidOperationException("Two instances of one session.");
        script.Instances[session] = instances;
        _counted = true;
    }

    protected internal override async ValueTask ReceiveAsync(SessionMessage message, ActorContext<SessionMessage> context)
    {
        if (message is not SessionMessage.Execute execute)
            return;
        var text = execute.Command is SessionCommand.AddTask add ? add.Spec.Description! : "query";
        if (script.OnExecute is { } onExecute)
            await onExecute(session, text, context);
        script.Lines.Add($"{session.Identifier} {text}");
        execute.Reply.TryAnswer(new CommandReply.Done(200, Encoding.UTF8.GetBytes($"{text} in epoch {tenure.Current?.Epoch}")));
    }

    protected internal override async ValueTask StopAsync(StopReason reason, ActorContext<SessionMessage> context)
    {
        script.Lines.Add($"stop {session.Identifier} {reason}");
        if (_counted)
            script.Instances[session]--;
        _counted = false;
        if (script.OnStop is { } onStop)
            await onStop(session, context);
    }

    protected internal override void Unhandled(SessionMessage message, UnhandledReason reason)
    {
        if (message is SessionMessage.Execute execute)
        {
            execute.Reply.TryAnswer(new CommandReply.Unavailable(
                reason == UnhandledReason.Failed ? UnavailableReason.Crashed : UnavailableReason.Moving, TimeSpan.FromMilliseconds(200), "Send it again."));
        }
    }
}
