using Backhaul.Node.Actors;

namespace Backhaul.Node.Tests.Actors;

/// <summary>An actor that does what its messages tell it, and writes down what happened to it.</summary>
internal sealed class Probe : Actor<ProbeMessage>
{
    private readonly Journal _journal;

    public Probe(Journal journal)
    {
        _journal = journal;
        _journal.Add("new");
    }

    protected internal override async ValueTask StartAsync(ActorContext<ProbeMessage> context)
    {
        _journal.Add("start");
        if (_journal.OnStart is { } onStart)
            await onStart(context);
    }

    protected internal override async ValueTask ReceiveAsync(ProbeMessage message, ActorContext<ProbeMessage> context)
    {
        _journal.Enter();
        try
        {
            _journal.Add(message.Text);
            if (message.Do is { } act)
                await act(context);
            message.Reply?.TryAnswer("done " + message.Text);
        }
        finally
        {
            _journal.Leave();
        }
    }

    protected internal override async ValueTask StopAsync(StopReason reason, ActorContext<ProbeMessage> context)
    {
        _journal.Add("stop " + reason);
        if (_journal.OnStop is { } onStop)
            await onStop(context);
    }

    protected internal override SupervisionDecision Supervise(ChildFailure failure)
    {
        _journal.Add($"failed {failure.Name} {failure.Failures}");
        return _journal.Decide(failure);
    }

    protected internal override ValueTask ChildStartedAsync(string name, ActorContext<ProbeMessage> context)
    {
        _journal.Add("started " + name);
        return default;
    }

    protected internal override ValueTask ChildStoppedAsync(ChildStopped stopped, ActorContext<ProbeMessage> context)
    {
        _journal.Add($"ended {stopped.Name} {stopped.End}");
        return default;
    }

    protected internal override void Unhandled(ProbeMessage message, UnhandledReason reason)
    {
        _journal.Add($"unhandled {message.Text} {reason}");
        message.Reply?.TryAnswer("unhandled " + reason);
    }

    /// <summary>Outlives the instances, so that a test sees all of them.</summary>
    internal sealed class Journal
    {
        private int _inside;

        public List<string> Lines { get; } = [];

        public Func<ActorContext<ProbeMessage>, ValueTask>? OnStart { get; set; }

        public Func<ActorContext<ProbeMessage>, ValueTask>? OnStop { get; set; }

        public Func<ChildFailure, SupervisionDecision> Decide { get; set; } = static _ => SupervisionDecision.Default;

        public void Add(string line)
        {
            lock (Lines)
                Lines.Add(line);
        }

        public void Enter()
        {
            if (Interlocked.Increment(ref _inside) != 1)
                throw new InvalidOperationException("Two turns at once.");
        }

        public void Leave() => Interlocked.Decrement(ref _inside);
    }
}

/// <summary>A text to write down, and what to do then.</summary>
internal sealed record ProbeMessage(string Text, Func<ActorContext<ProbeMessage>, ValueTask>? Do = null, Request<string>? Reply = null);
