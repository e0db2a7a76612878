using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Microsoft.OpenApi;

namespace Backhaul.Node.Api;

/// <summary>
/// What the types of requests cannot say to <c>/openapi/v1.json</c>: which fields must be there, and which words a field may have. Fields are optional in the
/// types, so that a missing one is refused with a sentence. Answers have no lists of words: later versions add some.
/// </summary>
internal static class ApiWords
{
    private static readonly string[] Kinds = ["download", "upload"];
    private static readonly string[] CostPolicies = ["default", "unrestrictedOnly", "always"];

    /// <summary>Of calls that read a body of one form only; a task that starts from resume data needs neither kind nor URL.</summary>
    public static readonly IReadOnlyDictionary<Type, string[]> Required = new Dictionary<Type, string[]>
    {
        [typeof(AckRequest)] = ["through"],
        [typeof(ReplayRequest)] = ["from"],
        [typeof(ChallengeAnswer)] = ["answer"],
        [typeof(DelayedRequestAnswer)] = ["answer"],
        [typeof(CredentialRule)] = ["secret"],
        [typeof(LaunchConfiguration)] = ["url", "secret"],
        [typeof(PushConfiguration)] = ["url", "secret"],
    };

    /// <summary>The words of a field, by the type that has it.</summary>
    public static readonly IReadOnlyDictionary<(Type Type, string Field), string[]> Words = new Dictionary<(Type, string), string[]>
    {
        [(typeof(TaskRequest), "kind")] = Kinds,
        [(typeof(TaskRequest), "sourceChange")] = ["restart", "fail", "acceptIfDigest"],
        [(typeof(TaskRequest), "uploadProtocol")] = ["auto", "plain", "tus", "resumable", "s3"],
        [(typeof(TaskRequest), "costPolicy")] = CostPolicies,
        [(typeof(AskBeforeStart), "when")] = ["start", "everyAttempt"],
        [(typeof(AskBeforeStart), "default")] = ["continue", "cancel"],
        [(typeof(GroupRequest), "mode")] = ["parallel", "serialized"],
        [(typeof(ChallengeAnswer), "answer")] = ["useCredential", "performDefaultHandling", "cancel", "rejectProtectionSpace"],
        [(typeof(DelayedRequestAnswer), "answer")] = ["continue", "useNewRequest", "cancel"],
        [(typeof(SessionConfiguration), "serviceType")] = [.. ServiceTypes.Names],
        [(typeof(SessionConfiguration), "costPolicy")] = CostPolicies,
        [(typeof(CredentialRule), "scheme")] = ["basic", "digest", "bearer"],
        [(typeof(TlsConfiguration), "minimum")] = ["1.2", "1.3"],
    };

    /// <summary>The words of a parameter, by the call that has it.</summary>
    public static readonly IReadOnlyDictionary<(string Call, string Parameter), string[]> ParameterWords = new Dictionary<(string, string), string[]>
    {
        [("listSessions", "state")] = [.. SessionEndpoints.States],
        [("listTasks", "state")] = [.. TaskEndpoints.States],
        [("listTasks", "kind")] = Kinds,
        [("endSession", "mode")] = ["cancel", "finish", "forceQuit"],
    };

    public static void Describe(OpenApiSchema schema, JsonTypeInfo type, JsonPropertyInfo? property)
    {
        if (Required.TryGetValue(type.Type, out var fields))
            schema.Required = fields.ToHashSet(StringComparer.Ordinal);
        if (property is not null && Words.TryGetValue((property.DeclaringType, property.Name), out var words))
            schema.Enum = Listed(words);
    }

    public static List<JsonNode> Listed(IEnumerable<string> words) => [.. words.Select(word => (JsonNode)JsonValue.Create(word)!)];
}
