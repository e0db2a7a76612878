using System.Text.Json.Serialization;
using Backhaul.Protocol;

namespace Backhaul.Client.Delegates;

/// <summary>Reads what belongs to an event, without reflection. Fields that this version does not know are passed over.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(DurationConverter), typeof(InstantConverter)])]
[JsonSerializable(typeof(SessionCreatedData))]
[JsonSerializable(typeof(TaskCreatedData))]
[JsonSerializable(typeof(TaskStartedData))]
[JsonSerializable(typeof(TaskWaitingData))]
[JsonSerializable(typeof(ChallengeData))]
[JsonSerializable(typeof(DelayedRequestData))]
[JsonSerializable(typeof(ResumedData))]
[JsonSerializable(typeof(RestartedData))]
[JsonSerializable(typeof(RedirectedData))]
[JsonSerializable(typeof(ExpectationExceededData))]
[JsonSerializable(typeof(DeadlineNearData))]
[JsonSerializable(typeof(RangesDownloadedData))]
[JsonSerializable(typeof(TaskFinishedFileData))]
[JsonSerializable(typeof(TaskCompletedData))]
[JsonSerializable(typeof(GroupCompletedData))]
[JsonSerializable(typeof(EventsExpiredData))]
internal sealed partial class EventDataJson : JsonSerializerContext;
