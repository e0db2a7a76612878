using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Backhaul.FaultOrigin.Uploads;

namespace Backhaul.FaultOrigin;

/// <summary>One connection: reads heads, hands each request to what its path names, and goes on while both sides want to.</summary>
internal sealed class OriginConnection(ScriptedOrigin origin, Socket socket, Stream stream, int number)
{
    private const int HeadBytesMax = 256 * 1024;

    private readonly byte[] _buffer = new byte[HeadBytesMax];
    private int _start;
    private int _end;
    private int _requests;

    public async Task ServeAsync(CancellationToken stop)
    {
        try
        {
            while (await ReadHeadAsync(stop) is { } request)
            {
                var goesOn = await AnswerAsync(request, stop);
                request.IsOver = true;
                if (!goesOn)
                    break;
            }
            await CloseGentlyAsync();
        }
        catch (Exception ended) when (IsEnd(ended))
        {
            // The peer left, or the origin stops: the journal has what matters.
        }
    }

    /// <summary>What a peer that leaves, or the end of the origin, can cause.</summary>
    public static bool IsEnd(Exception exception) =>
        exception is SocketException or OperationCanceledException or ObjectDisposedException or IOException or InvalidOperationException;

    /// <summary>Reads body bytes, those that came with the head first.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken stop)
    {
        if (_start == _end)
            return await stream.ReadAsync(into, stop);
        var count = Math.Min(into.Length, _end - _start);
        _buffer.AsMemory(_start, count).CopyTo(into);
        _start += count;
        return count;
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop) => stream.WriteAsync(bytes, stop);

    public ValueTask SendAsync(string text, CancellationToken stop) => SendAsync(Encoding.Latin1.GetBytes(text), stop);

    /// <summary>Ends the connection with a reset instead of a close.</summary>
    public void Reset() => socket.LingerState = new LingerOption(enable: true, seconds: 0);

    /// <summary>Waits until the peer leaves or the origin stops.</summary>
    public async ValueTask HangAsync(CancellationToken stop)
    {
        var scrap = new byte[1024];
        while (await stream.ReadAsync(scrap, stop) > 0)
        {
        }
    }

    private Task<bool> AnswerAsync(OriginRequest request, CancellationToken stop)
    {
        var script = OriginScript.Parse(request.Query, request.Nth);
        if (request.Path.StartsWith("/bytes/", StringComparison.Ordinal))
            return BytesAsync(request, script, stop);
        if (request.Path.StartsWith("/tus/", StringComparison.Ordinal))
            return new UploadTargetAnswer(this, origin.Uploads, request, new TusSpeech()).RunAsync(stop);
        if (request.Path.StartsWith("/resumable/", StringComparison.Ordinal))
            return new UploadTargetAnswer(this, origin.Uploads, request, DraftSpeech.For(request.Query)).RunAsync(stop);
        if (request.Path.StartsWith("/upload", StringComparison.Ordinal))
            return new UploadAnswer(this, request, script).RunAsync(stop);
        if (request.Path == "/-/journal")
            return JournalAnswer.RunAsync(this, origin.Requests, stop);
        return NotFoundAsync(request, stop);
    }

    private async Task<bool> BytesAsync(OriginRequest request, OriginScript script, CancellationToken stop)
    {
        var wire = new Http1Wire(this, hasBody: request.Method != "HEAD");
        await new BytesAnswer(wire, request, script).RunAsync(stop);
        return wire.GoesOn;
    }

    private async Task<bool> NotFoundAsync(OriginRequest request, CancellationToken stop)
    {
        request.Status = 404;
        await SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", stop);
        return true;
    }

    private async ValueTask CloseGentlyAsync()
    {
        if (socket.LingerState?.Enabled == true)
            return;
        if (stream is SslStream tls)
            await tls.ShutdownAsync();
        socket.Shutdown(SocketShutdown.Send);
    }

    private async ValueTask<OriginRequest?> ReadHeadAsync(CancellationToken stop)
    {
        while (true)
        {
            var at = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (at >= 0)
            {
                var head = Encoding.Latin1.GetString(_buffer, _start, at);
                _start += at + 4;
                return Parse(head);
            }
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }
            if (_end == _buffer.Length)
                throw new IOException("The request's head is too long.");
            var count = await stream.ReadAsync(_buffer.AsMemory(_end), stop);
            if (count == 0)
                return null;
            _end += count;
        }
    }

    private OriginRequest Parse(string head)
    {
        var lines = head.Split("\r\n");
        var first = lines[0].Split(' ');
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':');
            if (colon < 0)
                throw new IOException("A header without a colon.");
            var (name, value) = (line[..colon], line[(colon + 1)..].Trim());
            headers[name] = headers.TryGetValue(name, out var before) ? $"{before}, {value}" : value;
        }
        return origin.Enter(number, ++_requests, "1.1", first[0], first[1], headers);
    }

    public static long? Length(OriginRequest request) =>
        request.Headers.TryGetValue("Content-Length", out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : null;
}
