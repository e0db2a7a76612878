using System.Buffers.Binary;

namespace Backhaul.FaultOrigin.Http2;

/// <summary>One frame as it came in.</summary>
internal readonly record struct Frame(FrameKind Kind, byte Flags, int Stream, byte[] Payload)
{
    public const byte EndStream = 1;
    public const byte Acknowledge = 1;
    public const byte EndHeaders = 4;
    public const byte Padded = 8;
    public const byte HasPriority = 0x20;
    public const int HeaderBytes = 9;

    /// <summary>What every peer takes without being asked, and all that this origin sends or takes.</summary>
    public const int PayloadBytesMax = 16 * 1024;

    /// <summary>The payload without padding and priority, which say nothing that matters here.</summary>
    public ReadOnlySpan<byte> Content
    {
        get
        {
            ReadOnlySpan<byte> content = Payload;
            if ((Flags & Padded) != 0)
            {
                if (content.Length == 0 || content[0] >= content.Length)
                    throw new IOException("A frame has more padding than payload.");
                content = content[1..^content[0]];
            }
            return Kind == FrameKind.Headers && (Flags & HasPriority) != 0 ? content[5..] : content;
        }
    }

    /// <summary>Null at the end of the connection.</summary>
    public static async ValueTask<Frame?> ReadAsync(Stream stream, CancellationToken stop)
    {
        var header = new byte[HeaderBytes];
        if (await stream.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false, stop) < HeaderBytes)
            return null;
        var length = (header[0] << 16) | (header[1] << 8) | header[2];
        if (length > PayloadBytesMax)
            throw new IOException("A frame is larger than was allowed.");
        var payload = new byte[length];
        await stream.ReadExactlyAsync(payload, stop);
        return new Frame((FrameKind)header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)) & int.MaxValue, payload);
    }

    public static byte[] Write(FrameKind kind, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeaderBytes + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        frame[3] = (byte)kind;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(HeaderBytes));
        return frame;
    }
}
