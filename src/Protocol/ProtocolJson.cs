using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>The JSON of the wire: camelCase names, ISO 8601 durations, RFC 3339 times, nulls left out. Readers of answers ignore fields they do not know.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DurationConverter), typeof(InstantConverter)])]
[JsonSerializable(typeof(SessionConfiguration))]
[JsonSerializable(typeof(SessionView))]
[JsonSerializable(typeof(SessionListItem))]
[JsonSerializable(typeof(Page<SessionListItem>))]
[JsonSerializable(typeof(TaskRequest))]
[JsonSerializable(typeof(TaskRequest[]))]
[JsonSerializable(typeof(TaskChange))]
[JsonSerializable(typeof(TaskView))]
[JsonSerializable(typeof(Page<TaskView>))]
[JsonSerializable(typeof(Page<AttemptView>))]
[JsonSerializable(typeof(WhyView))]
[JsonSerializable(typeof(TaskResult))]
[JsonSerializable(typeof(IReadOnlyList<TaskResult>))]
[JsonSerializable(typeof(BulkChunk))]
[JsonSerializable(typeof(EventView))]
[JsonSerializable(typeof(EventPage))]
[JsonSerializable(typeof(AckRequest))]
[JsonSerializable(typeof(AckView))]
[JsonSerializable(typeof(LaunchView))]
[JsonSerializable(typeof(TaskNotificationData))]
[JsonSerializable(typeof(ProgressView))]
[JsonSerializable(typeof(RangesRequest))]
[JsonSerializable(typeof(RangesView))]
[JsonSerializable(typeof(ChallengeAnswer))]
[JsonSerializable(typeof(GivenCredential))]
[JsonSerializable(typeof(DelayedRequestAnswer))]
[JsonSerializable(typeof(GroupRequest))]
[JsonSerializable(typeof(GroupView))]
[JsonSerializable(typeof(Page<GroupView>))]
[JsonSerializable(typeof(ResumeDataView))]
[JsonSerializable(typeof(CompletionGroupView))]
[JsonSerializable(typeof(WebhookView))]
[JsonSerializable(typeof(WebhookTestView))]
[JsonSerializable(typeof(ReplayRequest))]
[JsonSerializable(typeof(PrefetchRequest))]
[JsonSerializable(typeof(PrefetchView))]
[JsonSerializable(typeof(FileView))]
[JsonSerializable(typeof(FileMoveRequest))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>The strict reader of requests: unknown fields, duplicates and nulls where a value is needed are errors, depth is bounded.</summary>
    public static ProtocolJson Strict { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new DurationConverter(), new InstantConverter() },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        MaxDepth = 16,
    });
}
