using System.Text;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>What a client may ask of an upload: one file or the parts of a multipart body, and the protocol that carries it. Pure.</summary>
internal static class UploadRules
{
    private const int PartsMax = 64;
    private const int PartHeadersMax = 16;
    private const int TextBytesMax = 16 * 1024;
    private const int NameBytesMax = 8 * 1024;
    private const int BoundaryMax = 70;
    private const string BoundaryCharacters = "'()+_,-./:=? ";

    public static Problem? Check(TaskKind kind, string method, TaskRequest request, Func<ContainerName, bool> containerExists) =>
        kind == TaskKind.Upload ? CheckUpload(method, request, containerExists) : CheckDownload(request);

    /// <summary>The word of the wire; null for any other word.</summary>
    public static UploadProtocol? ToProtocol(string? word) => word switch
    {
        "plain" => UploadProtocol.Plain,
        "auto" => UploadProtocol.Auto,
        "tus" => UploadProtocol.Tus,
        "resumable" => UploadProtocol.Resumable,
        "s3" => UploadProtocol.S3,
        _ => null,
    };

    private static Problem? CheckDownload(TaskRequest request) =>
        request.Source is not null ? Invalid("source", "belongs to uploads; a download comes from its url.")
        : request.Parts is not null ? Invalid("parts", "belongs to uploads.")
        : request.Multipart is not null ? Invalid("multipart", "belongs to uploads.")
        : request.UploadProtocol is not null ? Invalid("uploadProtocol", "belongs to uploads.")
        : null;

    private static Problem? CheckUpload(string method, TaskRequest request, Func<ContainerName, bool> containerExists)
    {
        if (request.Destination is not null)
            return Invalid("destination", "belongs to downloads; an upload goes to its url.");
        if (request is { Source: null, Parts: null })
            return Invalid("source", "is missing: name the file to upload, such as {\"container\":\"default\",\"path\":\"a.bin\"}, or give parts.");
        if (request is { Source: not null, Parts: not null })
            return Invalid("parts", "and source exclude each other: a file that is one of several parts belongs into parts.");
        if (request is { Multipart: not null, Parts: null })
            return Invalid("multipart", "says how parts are put together; give parts.");
        return TaskRules.CheckContainer(request.Source?.Container, "source.container", containerExists)
            ?? CheckProtocol(method, request)
            ?? CheckForm(request.Multipart)
            ?? (request.Parts is { } parts ? CheckParts(parts, request, containerExists) : null);
    }

    private static Problem? CheckProtocol(string method, TaskRequest request)
    {
        if (request.UploadProtocol is not { } word)
            return null;
        return ToProtocol(word) switch
        {
            null => Invalid("uploadProtocol", "must be auto, plain, tus, resumable or s3."),
            UploadProtocol.Tus when method != "POST" => Invalid("method", "of a tus upload is POST: leave it out."),
            UploadProtocol.S3 when method != "PUT" => Invalid("method", "of an upload to an object store is PUT: leave it out."),
            UploadProtocol.Tus or UploadProtocol.S3 when request.Parts is not null =>
                Invalid("uploadProtocol", $"{word} sends one file as it is; a multipart body goes by plain, resumable or auto."),
            _ => null,
        };
    }

    private static Problem? CheckForm(MultipartForm? form)
    {
        if (form?.Subtype is { } subtype && (!HeaderRules.IsToken(subtype) || subtype.Length > 64))
            return Invalid("multipart.subtype", "is not a media subtype such as form-data, related or mixed.");
        if (form?.Boundary is not { } boundary)
            return null;
        var good = boundary.Length is >= 1 and <= BoundaryMax && boundary[^1] != ' '
            && boundary.All(c => char.IsAsciiLetterOrDigit(c) || BoundaryCharacters.Contains(c, StringComparison.Ordinal));
        return good ? null : Invalid("multipart.boundary", "must be 1 to 70 letters, digits, or any of '()+_,-./:=? and must not end with a space.");
    }

    private static Problem? CheckParts(IReadOnlyList<ContentPart> parts, TaskRequest request, Func<ContainerName, bool> containerExists)
    {
        if (parts.Count is 0 or > PartsMax)
            return Invalid("parts", $"must have 1 to {PartsMax} parts.");
        if (request.Headers?.Keys.Any(name => name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)) == true)
            return Problems.Create(400, ProblemCodes.ForbiddenHeader, "The Content-Type of a multipart body follows from multipart; leave it out.", "headers.Content-Type");
        var isForm = string.Equals(request.Multipart?.Subtype ?? "form-data", "form-data", StringComparison.OrdinalIgnoreCase);
        var (texts, names) = (0, 0);
        for (var i = 0; i < parts.Count; i++)
        {
            if (CheckPart(parts[i], $"parts[{i}]", isForm, containerExists) is { } problem)
                return problem;
            texts += Encoding.UTF8.GetByteCount(parts[i].Text ?? "");
            names += Encoding.UTF8.GetByteCount(parts[i].Name ?? "") + Encoding.UTF8.GetByteCount(parts[i].FileName ?? "")
                + (parts[i].Headers?.Sum(header => header.Key.Length + header.Value.Length) ?? 0);
        }
        if (texts > TextBytesMax)
            return Invalid("parts", $"have {texts} bytes of text; at most {TextBytesMax} are taken, longer texts are staged as files.");
        return names > NameBytesMax ? Invalid("parts", $"have {names} bytes of names and headers; at most {NameBytesMax} are taken.") : null;
    }

    private static Problem? CheckPart(ContentPart? part, string field, bool isForm, Func<ContainerName, bool> containerExists)
    {
        if (part is null)
            return Invalid(field, "is null.");
        if (part is { Text: null, Source: null } or { Text: not null, Source: not null })
            return Invalid(field, "needs either a text or a source.");
        if (isForm && string.IsNullOrEmpty(part.Name))
            return Invalid($"{field}.name", "is missing: each part of a form has the name of its field.");
        if (!isForm && (part.Name ?? part.FileName) is not null)
            return Invalid($"{field}.name", "and fileName belong to form-data; give such a part a Content-Disposition header.");
        if (part.Headers is { Count: > PartHeadersMax })
            return Invalid($"{field}.headers", $"has more than {PartHeadersMax} headers.");
        if (isForm && part.Headers?.Keys.Any(name => name.Equals("Content-Disposition", StringComparison.OrdinalIgnoreCase)) == true)
            return Problems.Create(400, ProblemCodes.ForbiddenHeader, "The Content-Disposition of a form's part follows from name and fileName; leave it out.", $"{field}.headers.Content-Disposition");
        return HeaderRules.Check(part.Headers, $"{field}.headers")
            ?? TaskRules.CheckContainer(part.Source?.Container, $"{field}.source.container", containerExists);
    }

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}
