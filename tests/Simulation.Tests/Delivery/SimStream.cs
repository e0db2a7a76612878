using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Delivery;

/// <summary>
/// A connection that carries one stream of events. The node's end is what the product's <see cref="EventStream"/> writes into; the client's end reads server-sent events
/// out of it, in order, a moment later. Either end may be gone without a word.
/// </summary>
internal sealed class SimStream(VirtualProcess node, VirtualProcess client, Func<TimeSpan> travelTime, SimRandom random) : PipeWriter
{
    private readonly ArrayBufferWriter<byte> _written = new();
    private readonly Queue<string> _underWay = new();
    private readonly StringBuilder _unread = new();
    private readonly CancellationTokenSource _gone = new();
    private TimeSpan _arrives;
    private bool _isEnded;

    public required Action<EventView> Saw { get; init; }

    /// <summary>The node has no stream for it, and says why.</summary>
    public required Action<Problem> WasRefused { get; init; }

    /// <summary>Of the client, on its end: when the reader stands still for so long after each message, the node ends the stream.</summary>
    public TimeSpan Slowness { get; init; }

    /// <summary>The node's end of it: the client went away.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <summary>Seen by the client.</summary>
    public bool IsOver => _isEnded || !node.IsAlive;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _written.WrittenCount;

    /// <summary>The client closes its end.</summary>
    public void Leave()
    {
        _isEnded = true;
        node.Start(async () =>
        {
            await Task.Delay(random.Milliseconds(1, 20), node.Clock);
            _gone.Cancel();
        });
    }

    /// <summary>In the node: it has written its last.</summary>
    public void End() => Carry("");

    /// <summary>In the node, in the place of a stream.</summary>
    public void Refuse(Problem problem) => client.Clock.CreateTimer(_ => WasRefused(problem), null, travelTime(), Timeout.InfiniteTimeSpan);

    public override Memory<byte> GetMemory(int sizeHint = 0) => _written.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _written.GetSpan(sizeHint);

    public override void Advance(int bytes) => _written.Advance(bytes);

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null) => End();

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Carry(Encoding.UTF8.GetString(_written.WrittenSpan));
        _written.ResetWrittenCount();
        if (Slowness > TimeSpan.Zero)
            await Task.Delay(Slowness, node.Clock, CancellationToken.None);
        return new FlushResult(isCanceled: false, isCompleted: _gone.IsCancellationRequested);
    }

    /// <summary>What is written first arrives first. An empty text is the end.</summary>
    private void Carry(string text)
    {
        _underWay.Enqueue(text);
        var takes = travelTime();
        var now = client.Clock.GetUtcNow() - DateTimeOffset.UnixEpoch;
        _arrives = now + takes > _arrives ? now + takes : _arrives;
        client.Clock.CreateTimer(_ => Arrive(), null, _arrives - now, Timeout.InfiniteTimeSpan);
    }

    private void Arrive()
    {
        var text = _underWay.Dequeue();
        if (_isEnded)
            return;
        _isEnded = text.Length == 0;
        _unread.Append(text);
        var all = _unread.ToString();
        var end = all.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0)
            return;
        _unread.Clear().Append(all, end + 2, all.Length - end - 2);
        foreach (var message in all[..end].Split("\n\n"))
            Read(message);
    }

    private void Read(string message)
    {
        var lines = message.Split('\n');
        if (!lines[0].StartsWith("id: ", StringComparison.Ordinal))
            return; // a comment, a hint when to come back, or progress
        var view = JsonSerializer.Deserialize(lines[^1]["data: ".Length..], ProtocolJson.Default.EventView)!;
        if (lines[0] != $"id: {view.Number}")
            throw new InvariantBrokenException("R2", $"A stream's id is \"{lines[0]}\", and its event {view.Number}.");
        Saw(view);
    }
}
