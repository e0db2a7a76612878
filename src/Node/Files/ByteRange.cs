using System.Globalization;

namespace Backhaul.Node.Files;

/// <summary>Bytes of a file, from <paramref name="From"/> up to and without <paramref name="To"/>.</summary>
internal readonly record struct ByteRange(long From, long To)
{
    public long Length => To - From;

    public bool IsEmpty => To <= From;

    public ByteRange Intersect(ByteRange other) => new(Math.Max(From, other.From), Math.Min(To, other.To));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[{From},{To})");
}
