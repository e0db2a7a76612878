using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Actors;
using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Api.Uploads;

/// <summary>
/// tus 1.0.0 with creation, creation-with-upload, creation-defer-length, termination, checksum (sha1, sha256) and expiration. Where a file goes is
/// said by the metadata <c>path</c> and <c>container</c>, or by the query of the same words.
/// </summary>
internal static class TusUploads
{
    public const string Resumable = "Tus-Resumable";
    public const string Chunk = "application/offset+octet-stream";

    private const string Version = "1.0.0";
    private const int MetadataBytesMax = 8 * 1024;

    public static void Describe(HttpResponse response, FilesOptions options)
    {
        response.Headers[Resumable] = Version;
        response.Headers["Tus-Version"] = Version;
        response.Headers["Tus-Extension"] = "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration";
        response.Headers["Tus-Checksum-Algorithm"] = "sha1,sha256";
        response.Headers["Tus-Max-Size"] = Text(options.StageBytesMax);
    }

    /// <summary>Null when the client speaks this version. Sets what every answer carries.</summary>
    public static IResult? CheckVersion(HttpContext context)
    {
        context.Response.OnStarting(static state =>
        {
            ((HttpResponse)state).Headers[Resumable] = Version;
            return Task.CompletedTask;
        }, context.Response);
        if (context.Request.Headers[Resumable] == Version)
            return null;
        context.Response.OnStarting(static state =>
        {
            ((HttpResponse)state).Headers["Tus-Version"] = Version;
            return Task.CompletedTask;
        }, context.Response);
        return Problems.Result(412, ProblemCodes.PreconditionFailed, $"This server speaks tus {Version}.", Resumable);
    }

    public static async Task<IResult> CreateAsync(HttpContext context, IUploadStaging staging, FilesOptions options, IIdSource ids)
    {
        if (CheckVersion(context) is { } refused)
            return refused;
        var headers = context.Request.Headers;
        var note = (string?)headers["Upload-Metadata"];
        if (!TryReadMetadata(note, out var metadata))
            return Problems.Result(400, ProblemCodes.InvalidHeader, $"Upload-Metadata is a list of ASCII key and base64 value, at most {MetadataBytesMax} bytes, keys once.", "Upload-Metadata");
        var isDeferred = headers.ContainsKey("Upload-Defer-Length");
        if (!TryReadLength(headers["Upload-Length"], out var length) || isDeferred == length.HasValue || (isDeferred && headers["Upload-Defer-Length"] != "1"))
            return Problems.Result(400, ProblemCodes.InvalidHeader, "Say Upload-Length in bytes, or Upload-Defer-Length: 1, and not both.", "Upload-Length");
        if (UploadEndpoints.ReadTarget(context, staging, metadata.GetValueOrDefault("container"), metadata.GetValueOrDefault("path"), ids, out var key, out var target) is { } problem)
            return Problems.Result(problem);
        var created = await staging.CreateAsync(key, new NewUpload(target, length, note), context.RequestAborted);
        if (created is not UploadOutcome.Known(var upload))
            return Problems.Result(UploadEndpoints.ToProblem(created, null));
        context.Response.Headers.Location = UploadEndpoints.LocationOf(key);
        var withBytes = context.Request.ContentType == Chunk;
        if (withBytes || length == 0)
        {
            var appended = await AppendAsync(context, key, staging, 0, null);
            if (appended.Problem is not null)
                return appended.Problem;
            upload = appended.Upload!;
        }
        if (withBytes)
            context.Response.Headers["Upload-Offset"] = Text(upload.Offset);
        SetExpiry(context.Response, upload);
        return Results.StatusCode(StatusCodes.Status201Created);
    }

    public static async Task<IResult> FindAsync(HttpContext context, UploadKey key, IUploadStaging staging, FilesOptions options)
    {
        if (CheckVersion(context) is { } refused)
            return refused;
        var outcome = await staging.FindAsync(key, context.RequestAborted);
        var headers = context.Response.Headers;
        headers.CacheControl = "no-store";
        if (outcome is not UploadOutcome.Known(var upload))
            return Results.StatusCode(UploadEndpoints.ToProblem(outcome, null).Status);
        headers["Upload-Offset"] = Text(upload.Offset);
        if (upload.Length is { } length)
            headers["Upload-Length"] = Text(length);
        else
            headers["Upload-Defer-Length"] = "1";
        if (upload.Note is not null)
            headers["Upload-Metadata"] = upload.Note;
        SetExpiry(context.Response, upload);
        return Results.StatusCode(StatusCodes.Status200OK);
    }

    public static async Task<IResult> AppendAsync(HttpContext context, UploadKey key, IUploadStaging staging, FilesOptions options)
    {
        if (CheckVersion(context) is { } refused)
            return refused;
        if (context.Request.ContentType != Chunk)
            return Problems.Result(415, ProblemCodes.UnsupportedMediaType, $"Send the bytes with Content-Type: {Chunk}.");
        if (!TryReadLength(context.Request.Headers["Upload-Offset"], out var offset) || offset is null)
            return Problems.Result(400, ProblemCodes.InvalidHeader, "Say the Upload-Offset that the bytes begin at.", "Upload-Offset");
        if (!TryReadLength(context.Request.Headers["Upload-Length"], out var length))
            return Problems.Result(400, ProblemCodes.InvalidHeader, "Upload-Length is a number of bytes.", "Upload-Length");
        var (upload, problem) = await AppendAsync(context, key, staging, offset.Value, length);
        if (problem is not null)
            return problem;
        context.Response.Headers["Upload-Offset"] = Text(upload!.Offset);
        SetExpiry(context.Response, upload);
        return Results.NoContent();
    }

    private static async Task<(UploadProgress? Upload, IResult? Problem)> AppendAsync(
        HttpContext context, UploadKey key, IUploadStaging staging, long offset, long? length)
    {
        if (!TryReadChecksum(context.Request.Headers["Upload-Checksum"], out var checksum))
            return (null, Problems.Result(400, ProblemCodes.InvalidHeader, "Upload-Checksum is an algorithm, sha1 or sha256, and the digest in base64.", "Upload-Checksum"));
        UploadEndpoints.LiftBodyLimit(context);
        var append = new UploadAppend { Offset = offset, Length = length, BodyLength = context.Request.ContentLength, Checksum = checksum };
        var outcome = await staging.AppendAsync(key, append, context.Request.Body, context.RequestAborted);
        return outcome is UploadOutcome.Known(var upload) || (outcome is UploadOutcome.CompleteAlready(var complete) && (upload = complete) is not null)
            ? (upload, null)
            : (null, Problems.Result(UploadEndpoints.ToProblem(outcome, offset)));
    }

    private static void SetExpiry(HttpResponse response, UploadProgress upload) =>
        response.Headers["Upload-Expires"] = upload.ExpiresAt.ToString("R", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>True with null when there is none.</summary>
    private static bool TryReadLength(string? text, out long? length)
    {
        length = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        return text is null || length is not null;
    }

    /// <summary>What is kept goes back in a header as it came: nothing but printable ASCII is taken.</summary>
    private static bool TryReadMetadata(string? text, out Dictionary<string, string> metadata)
    {
        metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        if (string.IsNullOrEmpty(text))
            return true;
        if (text.Length > MetadataBytesMax || text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return false;
        foreach (var pair in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var words = pair.Split(' ');
            if (words.Length > 2 || words[0].Length == 0 || (words.Length == 2 && !Base64.IsValid(words[1])))
                return false;
            if (!metadata.TryAdd(words[0], words.Length == 2 ? Encoding.UTF8.GetString(Convert.FromBase64String(words[1])) : ""))
                return false;
        }
        return true;
    }

    private static bool TryReadChecksum(string? text, out UploadChecksum? checksum)
    {
        checksum = null;
        if (text is null)
            return true;
        if (text.Split(' ') is not [var name, var digest] || !Base64.IsValid(digest))
            return false;
        var (algorithm, length) = name switch
        {
            "sha1" => (HashAlgorithmName.SHA1, 20),
            "sha256" => (HashAlgorithmName.SHA256, 32),
            _ => default,
        };
        var bytes = Convert.FromBase64String(digest);
        checksum = bytes.Length == length ? new UploadChecksum(algorithm, bytes) : null;
        return checksum is not null;
    }
}
