using System.Buffers;
using System.Globalization;
using System.Text;

namespace Backhaul.Client.Events;

/// <summary>
/// Reads server-sent events by the rules of the HTML standard: lines end with CR, LF or both; a blank line ends a message; lines with a
/// leading colon are comments; a message cut off before its blank line never happened. Unlike a browser, an id belongs to its own message only,
/// so that progress, which has none, cannot be taken for a numbered event.
/// </summary>
internal sealed class MessageReader(Stream stream)
{
    internal const int LineBytesMax = 4 * 1024 * 1024;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;
    private bool _skipLineFeed;
    private bool _begun;
    private string? _id;
    private string? _type;
    private ArrayBufferWriter<byte>? _data;

    /// <summary>What the last <c>retry:</c> line asked for.</summary>
    public TimeSpan? Retry { get; private set; }

    /// <summary>The next message; null when the stream has ended.</summary>
    /// <param name="fill">Reads from the stream; the caller watches over it.</param>
    /// <param name="stop">Given to <paramref name="fill"/>.</param>
    public async ValueTask<StreamMessage?> NextAsync(Func<Stream, Memory<byte>, CancellationToken, ValueTask<int>> fill, CancellationToken stop)
    {
        while (true)
        {
            while (TryTakeLine(out var line))
            {
                if (Take(line.Span) is { } message)
                    return message;
            }
            MakeRoom();
            var read = await fill(stream, _buffer.AsMemory(_end), stop);
            if (read == 0)
                return null;
            _end += read;
        }
    }

    private bool TryTakeLine(out ReadOnlyMemory<byte> line)
    {
        line = default;
        if (_skipLineFeed && _start < _end)
        {
            _start += _buffer[_start] == '\n' ? 1 : 0;
            _skipLineFeed = false;
        }
        if (!_begun)
        {
            if (_end - _start < 3 && "\uFEFF"u8.StartsWith(_buffer.AsSpan(_start, _end - _start)))
                return false;
            _start += _buffer.AsSpan(_start, _end - _start).StartsWith("\uFEFF"u8) ? 3 : 0;
            _begun = true;
        }
        var length = _buffer.AsSpan(_start, _end - _start).IndexOfAny((byte)'\r', (byte)'\n');
        if (length < 0)
            return false;
        line = _buffer.AsMemory(_start, length);
        _skipLineFeed = _buffer[_start + length] == '\r';
        _start += length + 1;
        return true;
    }

    private StreamMessage? Take(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            var message = _data is null ? null : new StreamMessage(_id, _type ?? "message", _data.WrittenMemory);
            (_id, _type, _data) = (null, null, null);
            return message;
        }
        var colon = line.IndexOf((byte)':');
        var name = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? [] : line[(colon + 1)..];
        if (value is [(byte)' ', ..])
            value = value[1..];
        if (name.SequenceEqual("data"u8))
            TakeData(value);
        else if (name.SequenceEqual("id"u8))
            _id = Encoding.UTF8.GetString(value);
        else if (name.SequenceEqual("event"u8))
            _type = Encoding.UTF8.GetString(value);
        else if (name.SequenceEqual("retry"u8) && uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var retryMs))
            Retry = TimeSpan.FromMilliseconds(retryMs);
        return null;
    }

    private void TakeData(ReadOnlySpan<byte> value)
    {
        if (_data is null)
            _data = new ArrayBufferWriter<byte>(Math.Max(value.Length, 1));
        else
            _data.Write("\n"u8);
        if (_data.WrittenCount + value.Length > LineBytesMax)
            throw new InvalidDataException("A message of the event stream is longer than 4 MiB.");
        _data.Write(value);
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end < _buffer.Length)
            return;
        if (_buffer.Length >= LineBytesMax)
            throw new InvalidDataException("A line of the event stream is longer than 4 MiB.");
        Array.Resize(ref _buffer, _buffer.Length * 2);
    }
}
