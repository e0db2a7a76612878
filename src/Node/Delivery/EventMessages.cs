using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>The form of server-sent events. JSON without indentation has no line break, so that a message's data is one line.</summary>
internal sealed class EventMessages(PipeWriter output) : IDisposable
{
    private readonly Utf8JsonWriter _json = new(output);

    public void Event(EventView view)
    {
        output.Write("id: "u8);
        Number(view.Number);
        output.Write("\nevent: "u8);
        Encoding.UTF8.GetBytes(view.Type, output);
        output.Write("\ndata: "u8);
        JsonSerializer.Serialize(_json, view, ProtocolJson.Default.EventView);
        End();
    }

    /// <summary>Without an id: a reader that reconnects does not ask for it.</summary>
    public void Progress(ProgressView view)
    {
        output.Write("event: progress\ndata: "u8);
        JsonSerializer.Serialize(_json, view, ProtocolJson.Default.ProgressView);
        End();
    }

    public void KeepAlive() => output.Write(": keep-alive\n\n"u8);

    public void Retry(TimeSpan after)
    {
        output.Write("retry: "u8);
        Number((long)after.TotalMilliseconds);
        output.Write("\n\n"u8);
    }

    public void Dispose() => _json.Dispose();

    private void End()
    {
        _json.Flush();
        _json.Reset(output);
        output.Write("\n\n"u8);
    }

    private void Number(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        output.Write(digits[..length]);
    }
}
