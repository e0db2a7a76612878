using Backhaul.Node.Actors;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace Backhaul.Node.Api.Uploads;

/// <summary>
/// <c>/v1/uploads</c>: staging in pieces, at one resource for two protocols: tus 1.0.0 when a request says <c>Tus-Resumable</c>, else the IETF's
/// resumable uploads. An upload begun by one may go on by the other. What the two have in common is here: who asks, which upload, what an outcome means.
/// </summary>
internal static class UploadEndpoints
{
    public const string Collection = "/v1/uploads";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var uploads = routes.MapGroup(Collection).WithTags("uploads");
        uploads.MapMethods("", [HttpMethods.Options], Options)
            .WithName("describeUploads").WithSummary("What uploads may be: versions, extensions, limits").Produces(204).Refuses();
        uploads.MapPost("", CreateAsync)
            .WithName("createUpload").WithSummary("Begins an upload, by tus or by the resumable-upload draft; its first bytes may come along")
            .Accepts<Stream>("application/octet-stream", RequestBodies.Any).Produces(201).Produces<FileView>(200).Refuses(404, 409, 412, 413, 415, 423, 460, 507);
        var one = uploads.MapGroup("/{container}/{upload}");
        one.MapMethods("", [HttpMethods.Options], Options)
            .WithName("describeUpload").WithSummary("What this upload may be").Produces(204).Refuses();
        one.MapMethods("", [HttpMethods.Head], FindAsync)
            .WithName("headUpload").WithSummary("How many bytes have arrived for good").Produces(200).Produces(204).Refuses(404, 410, 412);
        one.MapPatch("", AppendAsync)
            .WithName("appendUpload").WithSummary("Adds bytes at the offset where the upload stands")
            .Accepts<Stream>(TusUploads.Chunk, DraftUploads.Chunk, RequestBodies.Any).Produces(204).Produces<FileView>(200).Refuses(404, 409, 410, 412, 413, 415, 423, 460, 507);
        one.MapDelete("", TerminateAsync)
            .WithName("terminateUpload").WithSummary("Ends an upload and removes its bytes").Produces(204).Refuses(404, 412, 423);
        // For clients that can send nothing but GET and POST.
        one.MapPost("", OverrideAsync).ExcludeFromDescription();
    }

    public static string LocationOf(UploadKey key) => $"{Collection}/{key.Container}/{key.Id:N}";

    /// <summary>Where a file is to go: the words of the query, else those that the protocol has (tus: metadata).</summary>
    public static Problem? ReadTarget(
        HttpContext context, IUploadStaging staging, string? container, string? path, IIdSource ids, out UploadKey key, out ContainerPath target)
    {
        (key, target) = (default, default);
        var query = context.Request.Query;
        var (inQuery, pathInQuery) = ((string?)query["container"], (string?)query["path"]);
        if (!ContainerName.TryParse(inQuery ?? container ?? ContainerName.Default.ToString(), out var name))
            return Problems.Create(400, ProblemCodes.InvalidPath, ContainerName.Rule, "container");
        if (!staging.Takes(name))
        {
            return Problems.Create(404, ProblemCodes.UnknownContainer,
                $"There is no container {name} that takes files in pieces. Name one of kind disk; a file for another goes there with one PUT.", "container");
        }
        if (!ContainerPath.TryParse(pathInQuery ?? path, out target))
            return Problems.Create(400, ProblemCodes.InvalidPath, $"Say where the file goes: path=… in the query, or path in the metadata of tus. {ContainerPath.Rule}", "path");
        key = new UploadKey(Caller.Tenant(context), name, ids.Next());
        return null;
    }

    public static void LiftBodyLimit(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
    }

    /// <summary>What is not the upload's progress.</summary>
    public static Problem ToProblem(UploadOutcome outcome, long? provided) => outcome switch
    {
        UploadOutcome.NotFound => Problems.Create(404, ProblemCodes.UploadNotFound, "There is no such upload. Begin it with POST /v1/uploads."),
        UploadOutcome.Expired => Problems.Create(410, ProblemCodes.UploadExpired, "The upload was left alone for too long, and is gone. Begin it anew."),
        UploadOutcome.Busy => Problems.Create(423, ProblemCodes.UploadBusy, "Another request appends to this upload. Ask for its offset in a few seconds, and go on from there."),
        UploadOutcome.Interrupted => Problems.Create(409, ProblemCodes.UploadBusy, "The body ended early, or another request took the upload over. Ask for its offset, and go on from there."),
        UploadOutcome.AtAnotherOffset(var upload) => Problems.Create(
            409, ProblemCodes.UploadOffset, $"The upload stands at byte {upload.Offset}. Go on from there.", "Upload-Offset") with
        {
            Type = DraftUploads.ProblemTypes + "mismatching-upload-offset",
            ExpectedOffset = upload.Offset,
            ProvidedOffset = provided,
        },
        UploadOutcome.CompleteAlready => Problems.Create(400, ProblemCodes.UploadComplete, "The upload has all its bytes already.") with
        {
            Type = DraftUploads.ProblemTypes + "completed-upload",
        },
        UploadOutcome.OtherLength(var known) => Problems.Create(
            400, ProblemCodes.UploadLength,
            known is { } length ? $"The upload has {length} bytes by what was said before, and this request does not fit." : "What this request says of the length contradicts itself.",
            "Upload-Length") with
        {
            Type = DraftUploads.ProblemTypes + "inconsistent-upload-length",
        },
        UploadOutcome.TooLarge(var max) => Problems.Create(
            413, ProblemCodes.BodyTooLarge, $"A file may have at most {max} bytes (Backhaul:Files:StageBytesMax). Split it, or ask the operator for a higher limit."),
        UploadOutcome.TooMany(var max) => Problems.Create(
            429, ProblemCodes.UploadLimit, $"There are {max} unfinished uploads in this container, which is the limit (Backhaul:Files:UploadsPerTenantMax). Finish or end some."),
        UploadOutcome.ChecksumDiffers => Problems.Create(460, ProblemCodes.ChecksumMismatch, "The bytes do not have the checksum that was sent along. None of them counts; send them again."),
        UploadOutcome.Refused(var problem) => problem,
        _ => throw new InvalidOperationException($"The outcome {outcome.GetType().Name} is no problem."),
    };

    private static bool IsTus(HttpContext context) => context.Request.Headers.ContainsKey(TusUploads.Resumable);

    private static IResult Options(HttpContext context, FilesOptions options)
    {
        TusUploads.Describe(context.Response, options);
        DraftUploads.Describe(context.Response, options);
        return Results.NoContent();
    }

    private static Task<IResult> CreateAsync(HttpContext context, IUploadStaging staging, FilesOptions options, IIdSource ids, TimeProvider time) => IsTus(context)
        ? TusUploads.CreateAsync(context, staging, options, ids)
        : DraftUploads.CreateAsync(context, staging, options, ids, time);

    private static Task<IResult> FindAsync(
        HttpContext context, string container, string upload, IUploadStaging staging, FilesOptions options, TimeProvider time) =>
        OnAsync(context, container, upload, staging, key => IsTus(context)
            ? TusUploads.FindAsync(context, key, staging, options)
            : DraftUploads.FindAsync(context, key, staging, options, time));

    private static Task<IResult> AppendAsync(
        HttpContext context, string container, string upload, IUploadStaging staging, FilesOptions options, TimeProvider time) =>
        OnAsync(context, container, upload, staging, key => IsTus(context)
            ? TusUploads.AppendAsync(context, key, staging, options)
            : DraftUploads.AppendAsync(context, key, staging, options, time));

    private static Task<IResult> TerminateAsync(HttpContext context, string container, string upload, IUploadStaging staging) =>
        OnAsync(context, container, upload, staging, async key =>
        {
            if (IsTus(context) && TusUploads.CheckVersion(context) is { } refused)
                return refused;
            var outcome = await staging.TerminateAsync(key, context.RequestAborted);
            return outcome is UploadOutcome.Known ? Results.NoContent() : Problems.Result(ToProblem(outcome, null));
        });

    private static async Task<IResult> OverrideAsync(
        HttpContext context, string container, string upload, IUploadStaging staging, FilesOptions options, TimeProvider time) =>
        (string?)context.Request.Headers["X-HTTP-Method-Override"] switch
        {
            "PATCH" => await AppendAsync(context, container, upload, staging, options, time),
            "DELETE" => await TerminateAsync(context, container, upload, staging),
            "HEAD" => await FindAsync(context, container, upload, staging, options, time),
            _ => Problems.Result(405, ProblemCodes.MethodNotAllowed, "An upload takes HEAD, PATCH and DELETE."),
        };

    private static async Task<IResult> OnAsync(HttpContext context, string container, string upload, IUploadStaging staging, Func<UploadKey, Task<IResult>> act)
    {
        if (!ContainerName.TryParse(container, out var name) || !staging.Takes(name) || !Guid.TryParseExact(upload, "N", out var id))
            return Problems.Result(ToProblem(new UploadOutcome.NotFound(), null));
        return await act(new UploadKey(Caller.Tenant(context), name, id));
    }
}
