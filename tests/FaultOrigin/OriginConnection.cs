using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Backhaul.FaultOrigin;

/// <summary>One connection: reads heads, hands each request to what its path names, and goes on while both sides want to.</summary>
internal sealed class OriginConnection(ScriptedOrigin origin, Socket socket, int number)
{
    private const int HeadBytesMax = 256 * 1024;

    private readonly byte[] _buffer = new byte[HeadBytesMax];
    private int _start;
    private int _end;

    public async Task ServeAsync(CancellationToken stop)
    {
        socket.NoDelay = true;
        try
        {
            while (await ReadHeadAsync(stop) is { } request)
            {
                var goesOn = await AnswerAsync(request, stop);
                request.IsOver = true;
                if (!goesOn)
                    break;
            }
            CloseGently();
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            // The peer left, or the origin stops: the journal has what matters.
        }
        finally
        {
            socket.Dispose();
        }
    }

    /// <summary>Reads body bytes, those that came with the head first.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken stop)
    {
        if (_start == _end)
            return await socket.ReceiveAsync(into, SocketFlags.None, stop);
        var count = Math.Min(into.Length, _end - _start);
        _buffer.AsMemory(_start, count).CopyTo(into);
        _start += count;
        return count;
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (bytes.Length > 0)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, stop)..];
    }

    public ValueTask SendAsync(string text, CancellationToken stop) => SendAsync(Encoding.Latin1.GetBytes(text), stop);

    /// <summary>Ends the connection with a reset instead of a close.</summary>
    public void Reset() => socket.LingerState = new LingerOption(enable: true, seconds: 0);

    /// <summary>Waits until the peer leaves or the origin stops.</summary>
    public async ValueTask HangAsync(CancellationToken stop)
    {
        var scrap = new byte[1024];
        while (await socket.ReceiveAsync(scrap, SocketFlags.None, stop) > 0)
        {
        }
    }

    private Task<bool> AnswerAsync(OriginRequest request, CancellationToken stop)
    {
        var script = OriginScript.Parse(request.Query, request.Nth);
        if (request.Path.StartsWith("/bytes/", StringComparison.Ordinal))
            return new BytesAnswer(this, request, script).RunAsync(stop);
        if (request.Path.StartsWith("/upload", StringComparison.Ordinal))
            return new UploadAnswer(this, request, script).RunAsync(stop);
        if (request.Path == "/-/journal")
            return JournalAnswer.RunAsync(this, origin.Requests, stop);
        return NotFoundAsync(request, stop);
    }

    private async Task<bool> NotFoundAsync(OriginRequest request, CancellationToken stop)
    {
        request.Status = 404;
        await SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", stop);
        return true;
    }

    private void CloseGently()
    {
        if (socket.LingerState?.Enabled != true)
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
            var count = await socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, stop);
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
        var question = first[1].IndexOf('?');
        var path = question < 0 ? first[1] : first[1][..question];
        return origin.Enter(number, first[0], path, question < 0 ? "" : first[1][(question + 1)..], headers);
    }

    public static long? Length(OriginRequest request) =>
        request.Headers.TryGetValue("Content-Length", out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : null;
}
