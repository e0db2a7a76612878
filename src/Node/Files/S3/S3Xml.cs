using System.Globalization;
using System.Text;
using System.Xml;

namespace Backhaul.Node.Files.S3;

/// <summary>The few XML documents of the protocol: read forward only, without DTDs, whatever the namespace. Pure.</summary>
internal static class S3Xml
{
    /// <summary>A page of a listing has at most 1,000 entries with keys of 1,024 bytes.</summary>
    public const int BytesMax = 8 * 1024 * 1024;

    // Far more than any answer of the protocol has. Every element's path is made as a text, so without these a few megabytes of nested
    // or long-named elements would become gigabytes.
    private const int DepthMax = 8;
    private const int NameCharsMax = 64;
    private const int LeavesMax = 100_000;

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreWhitespace = true,
        IgnoreComments = true,
        MaxCharactersInDocument = BytesMax,
    };

    /// <summary>The error that a document says, or null when it says none.</summary>
    public static (string Code, string Message)? Error(string text)
    {
        string? code = null;
        var message = "";
        var isError = false;
        foreach (var (path, value) in Leaves(text))
        {
            isError |= path.StartsWith("Error/", StringComparison.Ordinal);
            if (path == "Error/Code")
                code = value;
            else if (path == "Error/Message")
                message = value;
        }
        return isError ? (code ?? "Error", message) : null;
    }

    /// <summary>The first value at a path such as <c>InitiateMultipartUploadResult/UploadId</c>.</summary>
    public static string? Value(string text, string path) =>
        Leaves(text).Where(leaf => leaf.Path == path).Select(leaf => leaf.Value).FirstOrDefault();

    /// <summary>The parts of a page of ListParts, and where the next one begins; null after the last.</summary>
    public static (List<S3Part> Parts, string? Next) Parts(string text)
    {
        var parts = new List<S3Part>();
        var (number, etag, size) = (0, "", 0L);
        string? next = null;
        var more = false;
        foreach (var (path, value) in Leaves(text))
        {
            switch (path)
            {
                case "ListPartsResult/Part/PartNumber":
                    _ = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out number);
                    break;
                case "ListPartsResult/Part/ETag":
                    etag = value;
                    break;
                case "ListPartsResult/Part/Size":
                    _ = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out size);
                    break;
                case "ListPartsResult/Part":
                    parts.Add(new S3Part(number, etag.Trim('"'), size));
                    break;
                case "ListPartsResult/NextPartNumberMarker":
                    next = value;
                    break;
                case "ListPartsResult/IsTruncated":
                    more = value == "true";
                    break;
            }
        }
        return (parts, more ? next : null);
    }

    /// <summary>The objects of a page of a listing, and the token of the next one; null after the last.</summary>
    public static (List<S3Object> Objects, string? Next) Objects(string text)
    {
        var objects = new List<S3Object>();
        var (key, size, modified) = ("", 0L, DateTimeOffset.UnixEpoch);
        string? next = null;
        foreach (var (path, value) in Leaves(text))
        {
            switch (path)
            {
                case "ListBucketResult/Contents/Key":
                    key = value;
                    break;
                case "ListBucketResult/Contents/Size":
                    _ = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out size);
                    break;
                case "ListBucketResult/Contents/LastModified":
                    _ = DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out modified);
                    break;
                case "ListBucketResult/Contents":
                    objects.Add(new S3Object(key, size, modified));
                    break;
                case "ListBucketResult/NextContinuationToken":
                    next = value;
                    break;
            }
        }
        return (objects, next);
    }

    /// <summary>The document that ends a multipart upload.</summary>
    public static byte[] Completion(IEnumerable<S3Part> parts)
    {
        var text = new StringBuilder("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
        foreach (var part in parts)
        {
            text.Append(CultureInfo.InvariantCulture, $"<Part><PartNumber>{part.Number}</PartNumber><ETag>&quot;")
                .Append(System.Security.SecurityElement.Escape(part.ETag)).Append("&quot;</ETag></Part>");
        }
        return Encoding.UTF8.GetBytes(text.Append("</CompleteMultipartUpload>").ToString());
    }

    /// <summary>
    /// Each element's path and its text, as it ends. What is no XML, or more than the protocol has, has no elements beyond the place where it stops being that.
    /// </summary>
    private static List<(string Path, string Value)> Leaves(string text)
    {
        var leaves = new List<(string, string)>();
        if (string.IsNullOrWhiteSpace(text))
            return leaves;
        var path = new List<string>();
        var value = new StringBuilder();
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), Settings);
            while (leaves.Count < LeavesMax && reader.Read())
            {
                if (reader.NodeType is XmlNodeType.Element)
                {
                    if (path.Count == DepthMax || reader.LocalName.Length > NameCharsMax)
                        return leaves;
                    path.Add(reader.LocalName);
                    value.Clear();
                    if (reader.IsEmptyElement)
                        End();
                }
                else if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace)
                {
                    value.Append(reader.Value);
                }
                else if (reader.NodeType is XmlNodeType.EndElement)
                {
                    End();
                }
            }
        }
        catch (XmlException)
        {
            // A proxy's page or half a document: what was read so far counts, and the status says the rest.
        }
        return leaves;

        void End()
        {
            leaves.Add((string.Join('/', path), value.ToString()));
            path.RemoveAt(path.Count - 1);
            value.Clear();
        }
    }
}

/// <summary>A part that a store has of an unfinished upload; the tag without its quotes.</summary>
internal readonly record struct S3Part(int Number, string ETag, long Bytes);

/// <summary>An object of a listing.</summary>
internal readonly record struct S3Object(string Key, long Bytes, DateTimeOffset Modified);
