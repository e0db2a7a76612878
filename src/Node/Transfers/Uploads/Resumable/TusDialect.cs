using System.Globalization;
using System.Text;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>tus 1.0.0 with the extensions creation, checksum, expiration and termination. Pure.</summary>
internal sealed class TusDialect(string? checksum) : IUploadDialect
{
    public const string Version = "1.0.0";

    private static readonly (string, string) Resumable = ("Tus-Resumable", Version);

    public UploadProtocol Protocol => UploadProtocol.Tus;

    public int? DraftVersion => null;

    public bool CompletesBySaying => false;

    public string? Checksum => checksum;

    /// <summary>The strongest digest that both sides know.</summary>
    public static TusDialect For(TargetAbilities abilities) =>
        new(!abilities.Extensions.Contains("checksum") ? null
            : abilities.Checksums.Contains("sha256") ? "sha256"
            : abilities.Checksums.Contains("sha1") ? "sha1"
            : null);

    public IReadOnlyList<(string Name, string Value)> Create(UploadDescription what)
    {
        List<(string, string)> headers = [Resumable, ("Upload-Length", what.Length.ToString(CultureInfo.InvariantCulture))];
        List<string> metadata = [];
        if (what.FileName is { } name)
            metadata.Add($"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes(name))}");
        if (what.ContentType is { } type)
            metadata.Add($"filetype {Convert.ToBase64String(Encoding.UTF8.GetBytes(type))}");
        if (!what.HasOwnMetadata && metadata.Count > 0)
            headers.Add(("Upload-Metadata", string.Join(',', metadata)));
        return headers;
    }

    public IReadOnlyList<(string Name, string Value)> Ask() => [Resumable];

    public IReadOnlyList<(string Name, string Value)> Append(long from, bool last, long length, string? digest)
    {
        List<(string, string)> headers =
            [Resumable, ("Upload-Offset", from.ToString(CultureInfo.InvariantCulture)), ("Content-Type", "application/offset+octet-stream")];
        if (digest is not null)
            headers.Add(("Upload-Checksum", $"{checksum} {digest}"));
        return headers;
    }

    public TargetReply Read(UploadVerb verb, bool last, int status, Func<string, string?> header, string? problemType, DateTimeOffset now)
    {
        var reply = new TargetReply(Kind(verb, status, header), status)
        {
            Location = header("Location"),
            Offset = FieldNumbers.Parse(header("Upload-Offset")),
            Length = FieldNumbers.Parse(header("Upload-Length")),
            ExpiresAt = RetryAfterRules.TryParseDate(header("Upload-Expires"), out var at) ? at : null,
        };
        return reply with { Offset = reply.Kind is ReplyKind.Offset ? reply.Offset : null };
    }

    public IUploadDialect? Simpler(UploadVerb verb) => verb is UploadVerb.Append && checksum is not null ? new TusDialect(null) : null;

    public IUploadDialect InVersion(int? version) => this;

    private ReplyKind Kind(UploadVerb verb, int status, Func<string, string?> header) => status switch
    {
        >= 200 and <= 299 when verb is UploadVerb.Create => header("Location") is null ? ReplyKind.Senseless : ReplyKind.Created,
        >= 200 and <= 299 => FieldNumbers.Parse(header("Upload-Offset")) is null ? ReplyKind.Senseless : ReplyKind.Offset,
        409 when verb is UploadVerb.Append => ReplyKind.Mismatch,
        404 or 410 when verb is not UploadVerb.Create => ReplyKind.Gone,
        400 when verb is UploadVerb.Append && checksum is not null => ReplyKind.Unsupported,
        412 => ReplyKind.Unsupported,
        413 => ReplyKind.TooLarge,
        423 => ReplyKind.Locked,
        460 when verb is UploadVerb.Append => ReplyKind.Damaged,
        _ => ReplyKind.Refused,
    };
}
