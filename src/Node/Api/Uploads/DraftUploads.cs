using System.Globalization;
using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Api.Uploads;

/// <summary>
/// The IETF's resumable uploads (draft-ietf-httpbis-resumable-upload), interop version 8, and 3, 5, 6 and 7 where a client says so: their one difference that
/// matters here is that version 3 says <c>Upload-Incomplete</c> where the later ones say <c>Upload-Complete</c>. Where a file goes is said by the query, <c>?container=…&amp;path=…</c>.
/// This server cannot send 104 while a body comes in: a client that wants to be able to go on creates carefully, with an empty body and
/// <c>Upload-Complete: ?0</c>, and appends then.
/// </summary>
internal static class DraftUploads
{
    public const string Chunk = "application/partial-upload";
    public const string ProblemTypes = "https://iana.org/assignments/http-problem-types#";

    private const string InteropHeader = "Upload-Draft-Interop-Version";
    private const string Complete = "Upload-Complete";
    private const string Incomplete = "Upload-Incomplete";
    private const int InteropNewest = 8;
    private static readonly int[] Interops = [3, 5, 6, 7, InteropNewest];

    public static void Describe(HttpResponse response, FilesOptions options)
    {
        response.Headers["Accept-Patch"] = $"{Chunk}, {TusUploads.Chunk}";
        response.Headers["Upload-Limit"] = Limits(options.StageBytesMax, options.UploadAge);
        response.Headers[InteropHeader] = InteropNewest.ToString(CultureInfo.InvariantCulture);
    }

    public static async Task<IResult> CreateAsync(HttpContext context, IUploadStaging staging, FilesOptions options, IIdSource ids, TimeProvider time)
    {
        if (ReadHead(context, out var interop, out var isLast, out var length) is { } wrong)
            return Problems.Result(wrong);
        if (isLast is null)
        {
            return Problems.Result(
                400, ProblemCodes.InvalidRequest,
                $"Begin an upload by tus ({TusUploads.Resumable}: 1.0.0) or by the resumable-upload draft ({Complete}: ?0). A file in one piece is PUT to /v1/files/…", Complete);
        }
        if (UploadEndpoints.ReadTarget(context, staging, null, null, ids, out var key, out var target) is { } problem)
            return Problems.Result(problem);
        var body = context.Request.ContentLength;
        var known = length ?? (isLast.Value ? body : null);
        var created = await staging.CreateAsync(key, new NewUpload(target, known, null), context.RequestAborted);
        if (created is not UploadOutcome.Known(var upload))
            return Problems.Result(UploadEndpoints.ToProblem(created, null));
        context.Response.Headers.Location = UploadEndpoints.LocationOf(key);
        if (isLast.Value || body is not (null or 0) || context.Request.Headers.TransferEncoding.Count > 0)
        {
            var outcome = await AppendAsync(context, key, staging, new UploadAppend { Offset = 0, IsLast = isLast.Value, Length = length, BodyLength = body });
            if (outcome is not UploadOutcome.Known(var appended))
                return Problems.Result(UploadEndpoints.ToProblem(outcome, 0));
            upload = appended;
        }
        SetHead(context.Response, upload, interop, options, time);
        return Answer(context, key, upload, StatusCodes.Status201Created);
    }

    public static async Task<IResult> FindAsync(HttpContext context, UploadKey key, IUploadStaging staging, FilesOptions options, TimeProvider time)
    {
        if (ReadHead(context, out var interop, out _, out _) is { } wrong)
            return Results.StatusCode(wrong.Status);
        var outcome = await staging.FindAsync(key, context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        if (outcome is not UploadOutcome.Known(var upload))
            return Results.StatusCode(UploadEndpoints.ToProblem(outcome, null).Status);
        SetHead(context.Response, upload, interop, options, time);
        return Results.NoContent();
    }

    public static async Task<IResult> AppendAsync(HttpContext context, UploadKey key, IUploadStaging staging, FilesOptions options, TimeProvider time)
    {
        if (ReadHead(context, out var interop, out var isLast, out var length) is { } wrong)
            return Problems.Result(wrong);
        if (interop >= 6 && RequestBodies.MediaType(context.Request) != Chunk)
            return Problems.Result(415, ProblemCodes.UnsupportedMediaType, $"Send the bytes with Content-Type: {Chunk}.");
        if (!long.TryParse(context.Request.Headers["Upload-Offset"], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            return Problems.Result(400, ProblemCodes.InvalidHeader, "Say the Upload-Offset that the bytes begin at.", "Upload-Offset");
        if ((isLast ??= interop == 3 ? true : null) is not { } last)
            return Problems.Result(400, ProblemCodes.InvalidHeader, $"Say {Complete}: ?1 with the last bytes, ?0 with others.", Complete);
        var append = new UploadAppend { Offset = offset, IsLast = last, Length = length, BodyLength = context.Request.ContentLength };
        var outcome = await AppendAsync(context, key, staging, append);
        if (outcome is UploadOutcome.AtAnotherOffset(var stands))
        {
            SetHead(context.Response, stands, interop, options, time);
            return Problems.Result(UploadEndpoints.ToProblem(outcome, offset));
        }
        if (outcome is not UploadOutcome.Known(var upload))
            return Problems.Result(UploadEndpoints.ToProblem(outcome, offset));
        SetHead(context.Response, upload, interop, options, time);
        return Answer(context, key, upload, StatusCodes.Status204NoContent);
    }

    private static async Task<UploadOutcome> AppendAsync(HttpContext context, UploadKey key, IUploadStaging staging, UploadAppend append)
    {
        UploadEndpoints.LiftBodyLimit(context);
        return await staging.AppendAsync(key, append, context.Request.Body, context.RequestAborted);
    }

    /// <summary>The answer to the whole upload is the file, as it is to a PUT.</summary>
    private static IResult Answer(HttpContext context, UploadKey key, UploadProgress upload, int unfinished)
    {
        if (!upload.IsComplete)
            return Results.StatusCode(unfinished);
        context.Response.Headers.ETag = upload.ETag;
        context.Response.Headers.ContentLocation = FileEndpoints.LocationOf(key.Container, upload.Path);
        var view = new FileView { Container = key.Container.ToString(), Path = upload.Path.ToString(), Length = upload.Offset };
        return Replies.ToResult(new Sessions.CommandReply.Done(
            upload.Created ? StatusCodes.Status201Created : StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(view, ProtocolJson.Default.FileView)));
    }

    private static void SetHead(HttpResponse response, UploadProgress upload, int interop, FilesOptions options, TimeProvider time)
    {
        response.Headers["Upload-Offset"] = upload.Offset.ToString(CultureInfo.InvariantCulture);
        if (interop == 3)
            response.Headers[Incomplete] = upload.IsComplete ? "?0" : "?1";
        else
            response.Headers[Complete] = upload.IsComplete ? "?1" : "?0";
        if (upload.Length is { } length)
            response.Headers["Upload-Length"] = length.ToString(CultureInfo.InvariantCulture);
        var age = upload.ExpiresAt - time.GetUtcNow();
        response.Headers["Upload-Limit"] = Limits(options.StageBytesMax, age > TimeSpan.Zero ? age : TimeSpan.Zero);
        response.Headers[InteropHeader] = interop.ToString(CultureInfo.InvariantCulture);
    }

    private static string Limits(long bytesMax, TimeSpan age) =>
        string.Create(CultureInfo.InvariantCulture, $"max-size={bytesMax}, min-size=0, max-age={(long)age.TotalSeconds}");

    /// <summary>What every request of the draft says. The completeness is null when it says nothing of it.</summary>
    private static Problem? ReadHead(HttpContext context, out int interop, out bool? isLast, out long? length)
    {
        var headers = context.Request.Headers;
        (interop, isLast, length) = (InteropNewest, null, null);
        if (headers.TryGetValue(InteropHeader, out var version) && (!int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out interop) || !Interops.Contains(interop)))
        {
            return Problems.Create(
                400, ProblemCodes.InvalidHeader, $"This server speaks the interop versions {string.Join(", ", Interops)} of resumable uploads.", InteropHeader);
        }
        foreach (var (name, lastIs) in ((string, string)[])[(Complete, "?1"), (Incomplete, "?0")])
        {
            if (!headers.TryGetValue(name, out var said))
                continue;
            if (isLast is not null || said != "?0" && said != "?1")
                return Problems.Create(400, ProblemCodes.InvalidHeader, $"{name} is ?0 or ?1, once, and {Complete} and {Incomplete} do not come together.", name);
            isLast = said == lastIs;
            if (name == Incomplete && !headers.ContainsKey(InteropHeader))
                interop = 3;
        }
        if (!headers.TryGetValue("Upload-Length", out var text))
            return null;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return Problems.Create(400, ProblemCodes.InvalidHeader, "Upload-Length is a number of bytes.", "Upload-Length");
        length = number;
        return null;
    }
}
