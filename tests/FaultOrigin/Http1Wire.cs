using System.Globalization;
using System.Text;

namespace Backhaul.FaultOrigin;

/// <summary>An answer on a connection of HTTP/1.1.</summary>
internal sealed class Http1Wire(OriginConnection connection, bool hasBody) : IAnswerWire
{
    private bool _chunked;

    /// <summary>The connection can carry another request.</summary>
    public bool GoesOn { get; private set; } = true;

    public ValueTask SendHeadAsync(AnswerHead head, CancellationToken stop)
    {
        _chunked = head.IsChunked;
        GoesOn &= !head.EndsWithConnection;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {head.Status} Status\r\n");
        foreach (var (name, value) in head.Headers)
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        return connection.SendAsync(text.Append("\r\n").ToString(), stop);
    }

    public async ValueTask SendBodyAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        if (_chunked)
            await connection.SendAsync(string.Create(CultureInfo.InvariantCulture, $"{bytes.Length:x}\r\n"), stop);
        await connection.SendAsync(bytes, stop);
        if (_chunked)
            await connection.SendAsync("\r\n", stop);
    }

    public ValueTask EndAsync(CancellationToken stop) => _chunked && hasBody ? connection.SendAsync("0\r\n\r\n", stop) : default;

    public ValueTask SendRawAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        Close();
        return connection.SendAsync(bytes, stop);
    }

    public async ValueTask HangAsync(CancellationToken stop)
    {
        Close();
        await connection.HangAsync(stop);
    }

    public void Close() => GoesOn = false;

    public ValueTask ResetAsync(int code, CancellationToken stop)
    {
        Close();
        connection.Reset();
        return default;
    }

    public ValueTask GoAwayAsync(bool refuses, CancellationToken stop) => default;
}
