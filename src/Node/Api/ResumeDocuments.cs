using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// Resume data as clients hold it: a kept part, signed. Any session of the same tenant may start from it, through any node of the cluster, as often as it
/// likes while the part is kept. Whether it has expired is the session's to say, after it looked for the answer to the same request.
/// </summary>
/// <param name="secret">Of the cluster, or of the node alone; empty until the node has seen its store.</param>
/// <param name="requests">Opens the URL, which is sealed in the document as it is everywhere.</param>
internal sealed class ResumeDocuments(Func<ReadOnlyMemory<byte>> secret, RequestBox requests)
{
    public const int LengthMax = 64 * 1024;

    private const string Version = "bh-resume-1";

    public ResumeDataView View(KeptAnswer answer) => new()
    {
        Id = answer.Task.ToString(),
        ResumeData = answer.Kept is { } part
            ? DocumentSeal.Seal(secret().Span, Version, JsonSerializer.SerializeToUtf8Bytes(part, SessionJson.Default.KeptPart))
            : null,
        Why = answer.Why,
        Bytes = answer.Kept?.Durable.Length ?? 0,
        Total = answer.Kept?.Total,
        ExpiresAt = answer.Kept?.Until,
    };

    public Validated<KeptPart> Open(TenantId tenant, string document)
    {
        if (document.Length > LengthMax)
            return Invalid($"is longer than {LengthMax} characters.");
        if (!document.StartsWith(Version + ".", StringComparison.Ordinal))
            return Invalid($"is not resume data that this node knows; it begins with {Version}. Give it back exactly as it was given out.");
        if (secret().IsEmpty)
            return Problems.Create(503, ProblemCodes.Unavailable, "The node has not seen its cluster's store yet. Send the same request again.");
        if (DocumentSeal.Open(secret().Span, Version, document) is not { } content)
            return Invalid("was changed, or comes from another cluster. Give it back exactly as it was given out, to the cluster that made it.");
        var part = JsonSerializer.Deserialize(content, SessionJson.Default.KeptPart);
        if (part is null || part.Tenant != tenant)
            return Invalid("belongs to another tenant.");
        return requests.OpenUrl(tenant, part.Url) is { } url
            ? part with { Url = url }
            : Invalid("has a URL that was sealed with a key that this node does not have. Give the URL, without resumeData.");
    }

    private static Problem Invalid(string sentence) => Problems.Create(400, ProblemCodes.InvalidResumeData, $"resumeData {sentence}", "resumeData");
}
