using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Backhaul.Protocol;

/// <summary>
/// A file's place in a container: segments joined by <c>/</c>, none empty, <c>.</c> or <c>..</c>, no control characters, no backslash,
/// so that it cannot leave the container on any store.
/// </summary>
public readonly record struct ContainerPath
{
    /// <summary>The rule, as a sentence for people.</summary>
    public const string Rule =
        "A path is relative, has at most 1024 bytes of UTF-8 in at most 32 segments of at most 200 bytes joined by /, "
        + "no segment empty, . or .. or starting with .backhaul, and no control characters or backslashes: it cannot leave its container.";

    private readonly string? _text;

    private ContainerPath(string text) => _text = text;

    /// <summary>Reads a path; false when it breaks the <see cref="Rule"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ContainerPath path)
    {
        path = default;
        if (string.IsNullOrEmpty(text) || text.Length > 1024 || !IsWellFormed(text) || Encoding.UTF8.GetByteCount(text) > 1024)
            return false;
        var segments = text.Split('/');
        if (segments.Length > 32)
            return false;
        foreach (var segment in segments)
        {
            if (segment is "" or "." or ".." || segment.StartsWith(".backhaul", StringComparison.OrdinalIgnoreCase) || Encoding.UTF8.GetByteCount(segment) > 200)
                return false;
        }
        path = new ContainerPath(text);
        return true;
    }

    /// <summary>Reads a path, or throws with the <see cref="Rule"/>.</summary>
    public static ContainerPath Parse(string text) => TryParse(text, out var path) ? path : throw new FormatException(Rule);

    /// <inheritdoc/>
    public override string ToString() => _text ?? "";

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsControl(c) || c == '\\')
                return false;
            if (char.IsSurrogate(c) && !(char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[++i])))
                return false;
        }
        return true;
    }
}
