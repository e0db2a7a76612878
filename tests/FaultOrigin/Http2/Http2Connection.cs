using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Backhaul.FaultOrigin.Http2;

/// <summary>
/// One connection of HTTP/2 (RFC 9113), frame by frame: streams side by side, flow control kept, no dynamic header table, no push, no
/// priorities. What goes wrong is what the script of a stream asks for. Bodies that come in are read and dropped: uploads belong to HTTP/1.1 here.
/// </summary>
internal sealed class Http2Connection(ScriptedOrigin origin, Stream stream, int number) : IDisposable
{
    private const int SettingHeaderTable = 1;
    private const int SettingStreams = 3;
    private const int SettingWindow = 4;
    private const int StreamsMax = 100;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _closed = new();
    private readonly ConcurrentDictionary<int, (Task Answer, CancellationTokenSource Reset)> _streams = new();
    private int _requests;

    public SendWindows Windows { get; } = new();

    public async Task ServeAsync(CancellationToken stop)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, _closed.Token);
        try
        {
            var preface = new byte[Preface.Length];
            await stream.ReadExactlyAsync(preface, ends.Token);
            if (!preface.AsSpan().SequenceEqual(Preface))
                throw new IOException("This is not HTTP/2.");
            await SendAsync(Frame.Write(FrameKind.Settings, 0, 0, [0, SettingHeaderTable, 0, 0, 0, 0, 0, SettingStreams, 0, 0, 0, StreamsMax]), ends.Token);
            while (await Frame.ReadAsync(stream, ends.Token) is { } frame)
                await TakeAsync(frame, ends.Token);
        }
        catch (Exception ended) when (OriginConnection.IsEnd(ended))
        {
            // The peer left, a script closed the connection, or the origin stops.
        }
        finally
        {
            await _closed.CancelAsync();
            await Task.WhenAll(_streams.Values.Select(one => one.Answer));
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frames, CancellationToken stop)
    {
        await _sending.WaitAsync(stop);
        try
        {
            await stream.WriteAsync(frames, stop);
            await stream.FlushAsync(stop);
        }
        finally
        {
            _sending.Release();
        }
    }

    public void Close() => _closed.Cancel();

    public void Dispose()
    {
        _sending.Dispose();
        _closed.Dispose();
    }

    private async ValueTask TakeAsync(Frame frame, CancellationToken stop)
    {
        switch (frame.Kind)
        {
            case FrameKind.Settings when (frame.Flags & Frame.Acknowledge) == 0:
                for (var at = 0; at + 6 <= frame.Payload.Length; at += 6)
                {
                    if (BinaryPrimitives.ReadUInt16BigEndian(frame.Payload.AsSpan(at)) == SettingWindow)
                        Windows.SetInitial(BinaryPrimitives.ReadUInt32BigEndian(frame.Payload.AsSpan(at + 2)));
                }
                await SendAsync(Frame.Write(FrameKind.Settings, Frame.Acknowledge, 0, []), stop);
                break;
            case FrameKind.Headers:
                await OpenAsync(frame, stop);
                break;
            case FrameKind.Data when frame.Payload.Length > 0:
                var grown = new byte[4];
                BinaryPrimitives.WriteInt32BigEndian(grown, frame.Payload.Length);
                await SendAsync(Frame.Write(FrameKind.WindowUpdate, 0, 0, grown), stop);
                await SendAsync(Frame.Write(FrameKind.WindowUpdate, 0, frame.Stream, grown), stop);
                break;
            case FrameKind.WindowUpdate:
                Windows.Grow(frame.Stream, BinaryPrimitives.ReadInt32BigEndian(frame.Payload) & int.MaxValue);
                break;
            case FrameKind.ResetStream when _streams.TryGetValue(frame.Stream, out var reset):
                await reset.Reset.CancelAsync();
                break;
            case FrameKind.Ping when (frame.Flags & Frame.Acknowledge) == 0:
                await SendAsync(Frame.Write(FrameKind.Ping, Frame.Acknowledge, 0, frame.Payload), stop);
                break;
        }
    }

    private async ValueTask OpenAsync(Frame first, CancellationToken stop)
    {
        var block = first.Content.ToArray();
        for (var last = first; (last.Flags & Frame.EndHeaders) == 0;)
        {
            last = await Frame.ReadAsync(stream, stop) ?? throw new IOException("The connection ended in a header block.");
            if (last.Kind != FrameKind.Continuation || last.Stream != first.Stream)
                throw new IOException("A header block was interrupted.");
            block = [.. block, .. last.Payload];
        }
        var headers = HeaderBlock.Read(block);
        Windows.Open(first.Stream);
        var reset = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var answer = AnswerAsync(first.Stream, headers, reset.Token);
        _streams[first.Stream] = (answer, reset);
        if (answer.IsCompleted)
            _streams.TryRemove(first.Stream, out _);
    }

    private async Task AnswerAsync(int id, List<(string Name, string Value)> headers, CancellationToken stop)
    {
        await Task.Yield();
        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in headers)
            fields[name] = fields.TryGetValue(name, out var before) ? $"{before}, {value}" : value;
        var target = fields.GetValueOrDefault(":path") ?? "/";
        var request = origin.Enter(number, ++_requests, "2", fields.GetValueOrDefault(":method") ?? "GET", target, fields);
        var wire = new Http2Wire(this, id);
        try
        {
            if (request.Path.StartsWith("/bytes/", StringComparison.Ordinal))
            {
                await new BytesAnswer(wire, request, OriginScript.Parse(request.Query, request.Nth)).RunAsync(stop);
            }
            else
            {
                request.Status = 404;
                await wire.SendHeadAsync(new AnswerHead(404), stop);
                await wire.EndAsync(stop);
            }
        }
        catch (Exception ended) when (OriginConnection.IsEnd(ended))
        {
            // The stream was reset, or its connection ended: the journal has what matters.
        }
        finally
        {
            request.IsOver = true;
            Windows.Close(id);
            if (_streams.TryRemove(id, out var entry))
                entry.Reset.Dispose();
        }
    }
}
