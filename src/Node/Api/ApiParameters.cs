using Microsoft.OpenApi;

namespace Backhaul.Node.Api;

/// <summary>What calls take in their query and their headers without binding it, for <c>/openapi/v1.json</c>; by the name of the call.</summary>
internal static class ApiParameters
{
    private static readonly Unbound Range = Header("Range", "One range of bytes, such as bytes=0-1023.");
    private static readonly Unbound IfRange = Header("If-Range", "The ETag of the file that the range is of; the whole file is answered when it is another by now.");
    private static readonly Unbound IfMatch = Header("If-Match", "The ETag that the file must have, or * for any file.");
    private static readonly Unbound IfNoneMatch = Header("If-None-Match", "An ETag that the file must not have, or * for none.");
    private static readonly Unbound Tus = Header("Tus-Resumable", "1.0.0 for tus; without it the resumable-upload draft is spoken.");
    private static readonly Unbound Offset = Header("Upload-Offset", "The byte where these bytes begin.");
    private static readonly Unbound Length = Header("Upload-Length", "All bytes of the upload, when they are known.");
    private static readonly Unbound Complete = Header("Upload-Complete", "Resumable uploads: ?1 with the last bytes, ?0 with others.");

    private static readonly Dictionary<string, Unbound[]> Calls = new(StringComparer.Ordinal)
    {
        ["readEvents"] = [Header("Last-Event-ID", "As after, which it goes before; what a stream sends when it comes back.")],
        ["getFile"] = [Range, IfRange, IfMatch, IfNoneMatch],
        ["headFile"] = [IfMatch, IfNoneMatch],
        ["putFile"] = [IfMatch, IfNoneMatch],
        ["deleteFile"] = [IfMatch, IfNoneMatch],
        ["moveFile"] = [IfMatch, IfNoneMatch],
        ["getTaskContent"] = [Query("wait", "How many seconds to wait for the bytes asked for, at most 60."), Range, IfRange, IfMatch, IfNoneMatch],
        ["headTaskContent"] = [Query("wait", "How many seconds to wait for the file, at most 60."), IfMatch, IfNoneMatch],
        ["createUpload"] = [Query("container", "Where the file goes; default when left out."), Query("path", "The path of the file; tus may say it in its metadata."), Tus, Length, Complete],
        ["headUpload"] = [Tus],
        ["appendUpload"] = [Tus, Offset, Length, Complete],
        ["terminateUpload"] = [Tus],
    };

    public static void AddTo(OpenApiOperation operation)
    {
        if (operation.OperationId is not { } call)
            return;
        foreach (var (name, place, meaning) in Calls.GetValueOrDefault(call, []))
        {
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = name,
                In = place,
                Description = meaning,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }
        foreach (var parameter in operation.Parameters ?? [])
        {
            if (parameter is OpenApiParameter { Name: { } bound, Schema: OpenApiSchema schema } && ApiWords.ParameterWords.TryGetValue((call, bound), out var words))
                schema.Enum = ApiWords.Listed(words);
        }
    }

    private static Unbound Header(string name, string meaning) => new(name, ParameterLocation.Header, meaning);

    private static Unbound Query(string name, string meaning) => new(name, ParameterLocation.Query, meaning);

    private sealed record Unbound(string Name, ParameterLocation In, string Meaning);
}
