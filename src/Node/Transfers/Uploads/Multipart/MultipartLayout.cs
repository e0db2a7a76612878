using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers.Uploads.Multipart;

/// <summary>
/// The bytes of a multipart body that are not those of its files: delimiters, headers of parts, texts. Pure: the same parts and files always give
/// the same bytes, so that another attempt, also on another node, can go on in the middle.
/// <para>
/// A boundary that nobody gave is made from the task and from the identities of its files. Their times are to the nanosecond, so that whoever makes
/// a file's content cannot know the boundary that it would have to contain.
/// </para>
/// </summary>
internal sealed record MultipartLayout
{
    /// <summary>What stands before each part's file; a part of text is in there whole.</summary>
    public required IReadOnlyList<byte[]> Before { get; init; }

    /// <summary>What closes the body.</summary>
    public required byte[] End { get; init; }
    public required string ContentType { get; init; }

    /// <summary>Stands for the layout and all its files.</summary>
    public required ulong Fingerprint { get; init; }

    public static MultipartLayout Create(TaskFiles task, IReadOnlyList<ContentPart> parts, MultipartForm? form, IReadOnlyList<FileIdentity?> files)
    {
        var subtype = form?.Subtype ?? "form-data";
        var isForm = subtype.Equals("form-data", StringComparison.OrdinalIgnoreCase);
        var boundary = form?.Boundary ?? Boundary(task, files);
        var before = new byte[parts.Count][];
        for (var i = 0; i < parts.Count; i++)
            before[i] = Encoding.UTF8.GetBytes((i == 0 ? "" : "\r\n") + $"--{boundary}\r\n" + Headers(parts[i], isForm) + "\r\n" + parts[i].Text);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < parts.Count; i++)
        {
            hash.AppendData(before[i]);
            hash.AppendData(Encoding.UTF8.GetBytes(Text(files[i])));
        }
        return new MultipartLayout
        {
            Before = before,
            End = Encoding.UTF8.GetBytes($"\r\n--{boundary}--\r\n"),
            ContentType = $"multipart/{subtype}; boundary={Quoted(boundary)}",
            Fingerprint = BinaryPrimitives.ReadUInt64LittleEndian(hash.GetHashAndReset()),
        };
    }

    private static string Boundary(TaskFiles task, IReadOnlyList<FileIdentity?> files)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{task.Session} {task.Generation} {task.Task} ") + string.Join(' ', files.Select(Text));
        return "part-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 20));
    }

    private static string Text(FileIdentity? file) =>
        file is null ? "-" : string.Create(CultureInfo.InvariantCulture, $"{file.Inode}.{file.Length}.{file.ModifiedNs}");

    private static string Headers(ContentPart part, bool isForm)
    {
        var text = new StringBuilder();
        if (isForm)
        {
            text.Append("Content-Disposition: form-data; name=\"").Append(Escaped(part.Name!)).Append('"');
            if (part.FileName is { } fileName)
                text.Append("; filename=\"").Append(Escaped(fileName)).Append('"');
            text.Append("\r\n");
        }
        foreach (var (name, value) in part.Headers?.OrderBy(header => header.Key, StringComparer.OrdinalIgnoreCase) ?? Enumerable.Empty<KeyValuePair<string, string>>())
            text.Append(name).Append(": ").Append(value).Append("\r\n");
        return text.ToString();
    }

    /// <summary>As browsers write names of fields: UTF-8, with the three characters escaped that would end them.</summary>
    private static string Escaped(string text) =>
        text.Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal).Replace("\"", "%22", StringComparison.Ordinal);

    private static string Quoted(string boundary) => boundary.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+') ? boundary : $"\"{boundary}\"";
}
