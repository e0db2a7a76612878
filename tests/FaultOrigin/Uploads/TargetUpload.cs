using System.Security.Cryptography;

namespace Backhaul.FaultOrigin.Uploads;

/// <summary>An upload as its target has it.</summary>
public sealed class TargetUpload
{
    private readonly Lock _lock = new();
    private readonly MemoryStream _bytes = new();
    private int _turn;

    public required string Id { get; init; }

    /// <summary>Where it was created, without the query.</summary>
    public required string Path { get; init; }

    public long? Length { get; internal set; }

    /// <summary>Told at the creation: metadata of tus, the media type of the draft.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public bool IsComplete { get; internal set; }

    /// <summary>It was forgotten, by a fault or because the client asked for it.</summary>
    public bool IsGone { get; internal set; }

    /// <summary>The client asked for its end.</summary>
    public bool WasTerminated { get; internal set; }

    public long Offset
    {
        get
        {
            lock (_lock)
                return _bytes.Length;
        }
    }

    /// <summary>Of all bytes that are there now.</summary>
    public string Sha256
    {
        get
        {
            lock (_lock)
                return Convert.ToHexStringLower(SHA256.HashData(_bytes.ToArray()));
        }
    }

    /// <summary>
    /// A request begins to deal with this upload, and whatever an earlier one still sends is not taken any more: of a client that broke off, bytes may
    /// be on their way while it asks for the offset.
    /// </summary>
    internal int TakeOver()
    {
        lock (_lock)
            return ++_turn;
    }

    internal void Append(ReadOnlySpan<byte> bytes, int turn)
    {
        lock (_lock)
        {
            if (turn != _turn)
                throw new IOException("A later request has taken the upload over.");
            _bytes.Position = _bytes.Length;
            _bytes.Write(bytes);
        }
    }

    /// <summary>What was taken and never confirmed is lost, as with a server that dies before it writes.</summary>
    internal void Lose(long count)
    {
        lock (_lock)
            _bytes.SetLength(Math.Max(0, _bytes.Length - count));
    }
}
