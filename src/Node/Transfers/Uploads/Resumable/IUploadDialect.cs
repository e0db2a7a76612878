using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>What was asked of a target.</summary>
internal enum UploadVerb
{
    Create = 1,
    Ask = 2,
    Append = 3,
}

/// <summary>
/// How one resumable protocol puts the same three requests, and what its answers mean. Both directions are pure: headers out, headers in.
/// </summary>
internal interface IUploadDialect
{
    UploadProtocol Protocol { get; }

    /// <summary>Interop version of the draft; null for tus.</summary>
    int? DraftVersion { get; }

    /// <summary>The upload is whole only when the last request says so, also an empty one; else when all bytes are there.</summary>
    bool CompletesBySaying { get; }

    /// <summary>The digest that goes with each append; null sends none.</summary>
    string? Checksum { get; }

    /// <summary>Headers of the creation.</summary>
    IReadOnlyList<(string Name, string Value)> Create(UploadDescription what);

    IReadOnlyList<(string Name, string Value)> Ask();

    IReadOnlyList<(string Name, string Value)> Append(long from, bool last, long length, string? checksum);

    TargetReply Read(UploadVerb verb, bool last, int status, Func<string, string?> header, string? problemType, DateTimeOffset now);

    /// <summary>What to speak when the target does not know this; null when nothing is left.</summary>
    IUploadDialect? Simpler(UploadVerb verb);

    /// <summary>The same dialect in the version that the target answered with; itself when it does not know that.</summary>
    IUploadDialect InVersion(int? version);
}

/// <summary>What a creation tells of the upload.</summary>
internal sealed record UploadDescription(long Length, string? FileName, string? ContentType, bool HasOwnMetadata);
