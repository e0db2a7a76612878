using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace Backhaul.Node.Api;

/// <summary>
/// <c>/v1/files/{container}/{path}</c>: staging what tasks upload, reading what they downloaded, removing both; and the content of a
/// finished download by its task. Bodies stream between the connection and the disk and are never held.
/// </summary>
internal static class FileEndpoints
{
    private const string Bytes = "application/octet-stream";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var files = routes.MapGroup("/v1/files/{container}/{**path}").WithTags("files");
        files.MapPut("", PutAsync)
            .WithName("putFile").WithSummary("Stores a file, whole, replacing one of that path")
            .Accepts<Stream>(Bytes, RequestBodies.Any)
            .Produces<FileView>(201).Produces<FileView>(200).Refuses(404, 409, 412, 413, 507);
        MapReading(files, GetAsync, "", "File", "a file", 404, 409, 412);
        files.MapDelete("", DeleteAsync)
            .WithName("deleteFile").WithSummary("Removes a file").Produces(204).Refuses(404, 409, 412);
        files.MapPost("", MoveAsync)
            .WithName("moveFile").WithSummary("Moves a file to another path or container of the same store; the path ends with /move")
            .Accepts<FileMoveRequest>(RequestBodies.Json)
            .Produces<FileView>(201).Produces<FileView>(200).Refuses(404, 405, 409, 412, 413, 415);
        var content = routes.MapGroup("/v1/sessions/{session}/tasks/{task}").WithTags("files");
        MapReading(content, ContentEndpoints.GetAsync, "/content", "TaskContent", "the file of a finished download, durable bytes of one under way, or what the target of a finished upload answered", 400, 404, 412);
    }

    private static void MapReading(RouteGroupBuilder routes, Delegate read, string pattern, string name, string what, params int[] statuses)
    {
        routes.MapMethods(pattern, [HttpMethods.Get], read).WithName($"get{name}").WithSummary($"Reads {what}, or a range of it")
            .Produces<Stream>(200, Bytes).Produces<Stream>(206, Bytes).Produces(304).Refuses([.. statuses, 416]);
        routes.MapMethods(pattern, [HttpMethods.Head], read).WithName($"head{name}").WithSummary($"Length, validator and time of {what}")
            .Produces(200).Produces(304).Refuses(statuses);
    }

    private static async Task<IResult> PutAsync(HttpContext context, string container, string? path, IContainers containers, FilesOptions options)
    {
        if (!TryGetPlace(context, container, path, containers, out var place, out var problem))
            return Problems.Result(problem);
        var request = context.Request;
        if (request.Headers.ContainsKey("Content-Range"))
            return Problems.Result(400, ProblemCodes.InvalidHeader, "A file is stored whole: leave Content-Range out.", "Content-Range");
        var condition = Preconditions.Of(request);
        if (condition is not null)
        {
            // Before the body is taken in; and again right before the rename, when nobody else of this node can come between.
            await using var present = await OpenAsync(containers, place, context.RequestAborted);
            if (!condition.Holds(present?.ETag, present?.ModifiedAt))
                return Problems.Result(StorageProblems.ConditionFailed());
        }
        // Size is the disk's business here: it is reserved before the first byte when it is known.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        var staged = await containers.StageAsync(
            place.Tenant, place.Container, place.Path, request.Body, request.ContentLength, options.StageBytesMax, condition, context.RequestAborted);
        return ToResult(context, staged, place.Container, place.Path);
    }

    /// <summary>A file that lies in place now: 201 when the name was free, 200 when it was not.</summary>
    internal static IResult ToResult(HttpContext context, StageResult staged, ContainerName container, ContainerPath path)
    {
        if (staged is StageResult.Refused refused)
            return Problems.Result(refused.Problem);
        var stored = (StageResult.Stored)staged;
        context.Response.Headers.ETag = stored.ETag;
        var json = JsonSerializer.SerializeToUtf8Bytes(stored.File, ProtocolJson.Default.FileView);
        return Replies.ToCreated(
            new CommandReply.Done(stored.Created ? StatusCodes.Status201Created : StatusCodes.Status200OK, json), _ => LocationOf(container, path));
    }

    internal static string LocationOf(ContainerName container, ContainerPath path) =>
        $"/v1/files/{container}/{string.Join('/', path.ToString().Split('/').Select(Uri.EscapeDataString))}";

    private static async Task<IResult> MoveAsync(HttpContext context, string container, string? path, IContainers containers, ApiOptions options)
    {
        const string Verb = "/move";
        if (path is null || !path.EndsWith(Verb, StringComparison.Ordinal))
            return Problems.Result(405, ProblemCodes.MethodNotAllowed, "A file is stored with PUT. POST moves one: append /move to its path.");
        if (RequestBodies.MediaType(context.Request) != RequestBodies.Json)
            return Problems.Result(RequestBodies.UnsupportedMediaType(RequestBodies.Json));
        var body = await RequestBodies.ReadAsync(context, options.BodyBytesMax);
        if (!body.IsValid)
            return Problems.Result(body.Problem);
        var request = StrictJson.Read(body.Value, ProtocolJson.Strict.FileMoveRequest);
        if (!request.IsValid)
            return Problems.Result(request.Problem);
        if (!TryGetMove(context, container, path[..^Verb.Length], request.Value, containers, out var move, out var problem))
            return Problems.Result(problem!);
        return await GuardAsync(async () => await containers.MoveAsync(move, context.RequestAborted) is { } moved
            ? ToResult(context, moved, move.To, move.ToPath)
            : Problems.Result(404, ProblemCodes.FileNotFound, $"The container {move.From} has no file of this path."));
    }

    private static bool TryGetMove(
        HttpContext context, string container, string path, FileMoveRequest request, IContainers containers,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out FileMove? move, out Problem? problem)
    {
        move = null;
        (SessionKey, int, TaskId)? result = null;
        Place from;
        if (path.StartsWith(ResultPath.Folder + "/", StringComparison.Ordinal))
        {
            // Its name carries a hash of the session only, so whoever asks names the session, which is one of the caller's own.
            if (!TryGetContainer(context, container, containers, out var name, out problem))
                return false;
            from = new Place(Caller.Tenant(context), name, default);
            if (!SessionIdentifier.TryParse(request.Session, out var identifier))
                problem = Problems.Create(400, ProblemCodes.InvalidIdentifier, $"Name the session of the temporary file. {SessionIdentifier.Rule}", "session");
            else if (!ResultPath.TryParse(path, new SessionKey(from.Tenant, identifier), out var generation, out var task))
                problem = Problems.Create(404, ProblemCodes.FileNotFound, $"Session {identifier} has no temporary file of this path.");
            else
                result = (new SessionKey(from.Tenant, identifier), generation, task);
        }
        else if (TryGetPlace(context, container, path, containers, out from, out problem) && request.Session is not null)
        {
            problem = Problems.Create(400, ProblemCodes.InvalidField, "Only the temporary file of a task belongs to a session; leave session out.", "session");
        }
        var to = request.Destination.Container ?? from.Container;
        if (problem is null && !containers.Exists(to))
            problem = Problems.Create(404, ProblemCodes.UnknownContainer, $"There is no container {to} on this node. The container default always exists.", "destination.container");
        if (problem is not null)
            return false;
        move = new FileMove
        {
            Tenant = from.Tenant,
            From = from.Container,
            Path = result is null ? from.Path : null,
            Result = result,
            To = to,
            ToPath = request.Destination.Path,
            Condition = Preconditions.Of(context.Request),
            Replaces = request.Overwrite ?? true,
        };
        return true;
    }

    private static async Task<IResult> GetAsync(HttpContext context, string container, string? path, IContainers containers)
    {
        if (!TryGetPlace(context, container, path, containers, out var place, out var problem))
            return Problems.Result(problem);
        return await GuardAsync(async () => await OpenAsync(containers, place, context.RequestAborted) is { } file ? new FileAnswer(file) : NotFound(place));
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, string container, string? path, IContainers containers)
    {
        if (!TryGetPlace(context, container, path, containers, out var place, out var problem))
            return Problems.Result(problem);
        return await GuardAsync(async () =>
        {
            var condition = Preconditions.Of(context.Request);
            return await containers.DeleteAsync(place.Tenant, place.Container, place.Path, condition, context.RequestAborted) ? Results.NoContent() : NotFound(place);
        });
    }

    private static async Task<IResult> GuardAsync(Func<Task<IResult>> act)
    {
        try
        {
            return await act();
        }
        catch (StorageException refused)
        {
            return Problems.Result(StorageProblems.Of(refused));
        }
        catch (FileConditionException)
        {
            return Problems.Result(StorageProblems.ConditionFailed());
        }
    }

    private static IResult NotFound(Place place) =>
        Problems.Result(404, ProblemCodes.FileNotFound, $"The container {place.Container} has no file of this path.");

    private static ValueTask<StoredFile?> OpenAsync(IContainers containers, Place place, CancellationToken stop) =>
        containers.OpenReadAsync(place.Tenant, place.Container, place.Path, stop);

    private static bool TryGetPlace(
        HttpContext context, string container, string? path, IContainers containers, out Place place,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Problem? problem)
    {
        place = default;
        if (!TryGetContainer(context, container, containers, out var name, out problem))
            return false;
        if (!ContainerPath.TryParse(path, out var parsed))
            problem = Problems.Create(400, ProblemCodes.InvalidPath, ContainerPath.Rule, "path");
        else
            place = new Place(Caller.Tenant(context), name, parsed);
        return problem is null;
    }

    private static bool TryGetContainer(
        HttpContext context, string container, IContainers containers, out ContainerName name, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Problem? problem)
    {
        problem = null;
        if (!ContainerName.TryParse(container, out name))
            problem = Problems.Create(400, ProblemCodes.InvalidPath, ContainerName.Rule, "container");
        else if (!containers.Exists(name))
            problem = Problems.Create(404, ProblemCodes.UnknownContainer, $"There is no container {name} on this node. The container default always exists.");
        else if (HasEncodedSlash(context))
            problem = Problems.Create(400, ProblemCodes.InvalidPath, ContainerPath.Rule, "path");
        return problem is null;
    }

    /// <summary>The server leaves an encoded slash as it is, so that the name "a%2Fb" and the path a/b would be one.</summary>
    private static bool HasEncodedSlash(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var query = target.IndexOf('?');
        return target.AsSpan(0, query < 0 ? target.Length : query).Contains("%2f", StringComparison.OrdinalIgnoreCase);
    }

    private readonly record struct Place(TenantId Tenant, ContainerName Container, ContainerPath Path);
}
