using System.Buffers.Binary;
using System.Globalization;

namespace Backhaul.FaultOrigin.Http2;

/// <summary>An answer on one stream of a connection of HTTP/2.</summary>
internal sealed class Http2Wire(Http2Connection connection, int stream) : IAnswerWire
{
    private bool _over;

    public async ValueTask SendHeadAsync(AnswerHead head, CancellationToken stop)
    {
        var block = HeaderBlock.Write(
            [(":status", head.Status.ToString(CultureInfo.InvariantCulture)),
             .. head.Headers.Where(header => header.Name is not ("Connection" or "Transfer-Encoding"))
                 .Select(header => (header.Name.ToLowerInvariant(), header.Value))]);
        using var frames = new MemoryStream();
        for (var at = 0; at == 0 || at < block.Length; at += Frame.PayloadBytesMax)
        {
            var count = Math.Min(Frame.PayloadBytesMax, block.Length - at);
            var flags = at + count == block.Length ? Frame.EndHeaders : (byte)0;
            frames.Write(Frame.Write(at == 0 ? FrameKind.Headers : FrameKind.Continuation, flags, stream, block.AsSpan(at, count)));
        }
        await connection.SendAsync(frames.ToArray(), stop);
    }

    public async ValueTask SendBodyAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (bytes.Length > 0)
        {
            var count = await connection.Windows.TakeAsync(stream, bytes.Length, stop);
            await connection.SendAsync(Frame.Write(FrameKind.Data, 0, stream, bytes.Span[..count]), stop);
            bytes = bytes[count..];
        }
    }

    public ValueTask EndAsync(CancellationToken stop)
    {
        if (_over)
            return default;
        _over = true;
        return connection.SendAsync(Frame.Write(FrameKind.Data, Frame.EndStream, stream, []), stop);
    }

    public ValueTask SendRawAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        Close();
        return connection.SendAsync(bytes, stop);
    }

    public async ValueTask HangAsync(CancellationToken stop) => await Task.Delay(Timeout.Infinite, stop);

    /// <summary>All streams die with it.</summary>
    public void Close() => connection.Close();

    public ValueTask ResetAsync(int code, CancellationToken stop)
    {
        _over = true;
        var payload = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, code);
        return connection.SendAsync(Frame.Write(FrameKind.ResetStream, 0, stream, payload), stop);
    }

    public async ValueTask GoAwayAsync(bool refuses, CancellationToken stop)
    {
        var payload = new byte[8]; // the last stream that was taken, and no error
        BinaryPrimitives.WriteInt32BigEndian(payload, refuses ? Math.Max(0, stream - 2) : stream);
        await connection.SendAsync(Frame.Write(FrameKind.GoAway, 0, 0, payload), stop);
        if (refuses)
            connection.Close();
    }
}
