using System.Globalization;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>
/// Resumable uploads for HTTP (draft-ietf-httpbis-resumable-upload) by interop version. Pure.
/// <code>
/// version   says that it is whole by       media type of an append      tells the length
/// 3         Upload-Incomplete, inverted    of the task's file           no
/// 5         Upload-Complete                of the task's file           no
/// 6         Upload-Complete                application/partial-upload   no
/// 7, 8      Upload-Complete                application/partial-upload   Upload-Length
/// </code>
/// Up to version 6 a success without that field answers the last append; from 7 on the field must be there.
/// </summary>
internal sealed class DraftDialect(int version) : IUploadDialect
{
    private const string Problems = "https://iana.org/assignments/http-problem-types#";

    /// <summary>Newest first.</summary>
    public static IReadOnlyList<int> Versions { get; } = [8, 7, 6, 5, 3];

    public UploadProtocol Protocol => UploadProtocol.Resumable;

    public int? DraftVersion => version;

    public bool CompletesBySaying => true;

    public string? Checksum => null;

    private (string, string) InteropVersion => ("Upload-Draft-Interop-Version", version.ToString(CultureInfo.InvariantCulture));

    public IReadOnlyList<(string Name, string Value)> Create(UploadDescription what)
    {
        List<(string, string)> headers = [InteropVersion, Whole(false)];
        if (version >= 7)
            headers.Add(("Upload-Length", what.Length.ToString(CultureInfo.InvariantCulture)));
        if (what.ContentType is { } type)
            headers.Add(("Content-Type", type));
        return headers;
    }

    public IReadOnlyList<(string Name, string Value)> Ask() => [InteropVersion];

    public IReadOnlyList<(string Name, string Value)> Append(long from, bool last, long length, string? checksum) =>
    [
        InteropVersion,
        Whole(last),
        ("Upload-Offset", from.ToString(CultureInfo.InvariantCulture)),
        ("Content-Type", version >= 6 ? "application/partial-upload" : "application/octet-stream"),
    ];

    public TargetReply Read(UploadVerb verb, bool last, int status, Func<string, string?> header, string? problemType, DateTimeOffset now)
    {
        var whole = FieldNumbers.ParseTruth(header("Upload-Complete")) ?? !FieldNumbers.ParseTruth(header("Upload-Incomplete"));
        var limits = UploadLimits.Parse(header("Upload-Limit"));
        var offset = FieldNumbers.Parse(header("Upload-Offset"));
        return new TargetReply(Kind(verb, last, status, whole, offset, header("Location"), problemType), status)
        {
            Location = header("Location"),
            Offset = offset,
            Length = FieldNumbers.Parse(header("Upload-Length")),
            Limits = limits,
            ExpiresAt = limits?.MaxAgeSeconds is { } age ? now.AddSeconds(Math.Min(age, 10L * 365 * 24 * 3600)) : null,
            Version = (int?)FieldNumbers.Parse(header("Upload-Draft-Interop-Version")),
            IsFinal = verb is UploadVerb.Append && problemType != Problems + "completed-upload",
        };
    }

    public IUploadDialect? Simpler(UploadVerb verb)
    {
        if (verb is not UploadVerb.Create)
            return null;
        var older = Versions.FirstOrDefault(known => known < version);
        return older == 0 ? null : new DraftDialect(older);
    }

    public IUploadDialect InVersion(int? answered) =>
        answered is { } known && known != version && Versions.Contains(known) ? new DraftDialect(known) : this;

    private ReplyKind Kind(UploadVerb verb, bool last, int status, bool? whole, long? offset, string? location, string? problemType)
    {
        if (whole == true && verb is not UploadVerb.Create && (verb is UploadVerb.Append || status is >= 200 and <= 299))
            return ReplyKind.Complete; // the target's own answer, also when it is an error
        if (problemType == Problems + "completed-upload")
            return ReplyKind.Complete;
        return status switch
        {
            >= 200 and <= 299 when verb is UploadVerb.Create => location is null ? ReplyKind.Senseless : ReplyKind.Created,
            >= 200 and <= 299 when verb is UploadVerb.Ask => offset is null ? ReplyKind.Senseless : ReplyKind.Offset,
            >= 200 and <= 299 when whole is null && last => version <= 6 ? ReplyKind.Complete : ReplyKind.Senseless,
            >= 200 and <= 299 => ReplyKind.Offset,
            400 or 405 or 412 or 415 or 426 or 501 when verb is UploadVerb.Create => ReplyKind.Unsupported,
            409 when verb is UploadVerb.Append => ReplyKind.Mismatch,
            404 or 410 when verb is not UploadVerb.Create => ReplyKind.Gone,
            413 => ReplyKind.TooLarge,
            423 => ReplyKind.Locked,
            _ => ReplyKind.Refused,
        };
    }

    private (string, string) Whole(bool whole) =>
        version <= 3 ? ("Upload-Incomplete", whole ? "?0" : "?1") : ("Upload-Complete", whole ? "?1" : "?0");
}
