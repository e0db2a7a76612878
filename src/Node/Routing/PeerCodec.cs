using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

/// <summary>
/// The language between nodes: a command in one JSON body, its answer as a status, a word and a body. Names and shapes are append-only
/// and held against a golden file, because nodes of two releases talk to each other while a cluster is renewed. Unknown fields are
/// passed over; a command that this build does not know is refused with its name, never guessed. Pure.
/// </summary>
internal static class PeerCodec
{
    /// <summary>Raised only when an older node could misread what it is sent; it refuses formats above its own.</summary>
    public const int Format = 1;

    private static readonly Dictionary<string, JsonTypeInfo> ByName = new(StringComparer.Ordinal)
    {
        ["session.open.v1"] = PeerJson.Default.Open,
        ["session.describe.v1"] = PeerJson.Default.Describe,
        ["session.end.v1"] = PeerJson.Default.End,
        ["session.suspendAll.v1"] = PeerJson.Default.SuspendAll,
        ["task.add.v1"] = PeerJson.Default.AddTask,
        ["tasks.add.v1"] = PeerJson.Default.AddTasks,
        ["task.change.v1"] = PeerJson.Default.ChangeTask,
        ["task.resume.v1"] = PeerJson.Default.ResumeTask,
        ["task.suspend.v1"] = PeerJson.Default.SuspendTask,
        ["task.cancel.v1"] = PeerJson.Default.CancelTask,
        ["task.get.v1"] = PeerJson.Default.GetTask,
        ["task.explain.v1"] = PeerJson.Default.ExplainTask,
        ["task.attempts.v1"] = PeerJson.Default.ListAttempts,
        ["task.keep.v1"] = PeerJson.Default.KeepTask,
        ["task.ranges.want.v1"] = PeerJson.Default.WantRanges,
        ["task.ranges.get.v1"] = PeerJson.Default.GetRanges,
        ["task.content.v1"] = PeerJson.Default.LocateContent,
        ["task.makeCurrent.v1"] = PeerJson.Default.MakeCurrent,
        ["task.challenge.answer.v1"] = PeerJson.Default.AnswerChallenge,
        ["task.delayedRequest.answer.v1"] = PeerJson.Default.AnswerDelayedRequest,
        ["group.put.v1"] = PeerJson.Default.PutGroup,
        ["group.act.v1"] = PeerJson.Default.ActOnGroup,
        ["completionGroup.open.v1"] = PeerJson.Default.OpenCompletionGroup,
        ["completionGroup.enable.v1"] = PeerJson.Default.EnableCompletionGroup,
        ["completionGroup.get.v1"] = PeerJson.Default.GetCompletionGroup,
        ["group.get.v1"] = PeerJson.Default.GetGroup,
        ["groups.list.v1"] = PeerJson.Default.ListGroups,
        ["tasks.list.v1"] = PeerJson.Default.ListTasks,
        ["events.read.v1"] = PeerJson.Default.ReadEvents,
        ["events.acknowledge.v1"] = PeerJson.Default.Acknowledge,
        ["launch.complete.v1"] = PeerJson.Default.CompleteLaunch,
        ["webhook.get.v1"] = PeerJson.Default.GetWebhook,
        ["webhook.test.v1"] = PeerJson.Default.TestWebhook,
        ["webhook.enable.v1"] = PeerJson.Default.EnableWebhook,
        ["webhook.disable.v1"] = PeerJson.Default.DisableWebhook,
        ["push.replay.v1"] = PeerJson.Default.ReplayPush,
        ["session.history.v1"] = PeerJson.Default.ShowHistory,
        ["files.referenced.v1"] = PeerJson.Default.FindReferenced,
        ["prefetch.set.v1"] = PeerJson.Default.SetPrefetch,
        ["prefetch.remove.v1"] = PeerJson.Default.RemovePrefetch,
        ["prefetch.get.v1"] = PeerJson.Default.GetPrefetch,
    };

    /// <summary>Nothing of it becomes part of a page: text as it is, not six bytes for each letter beyond ASCII.</summary>
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Dictionary<Type, string> ByType = ByName.ToDictionary(static entry => entry.Value.Type, static entry => entry.Key);

    private static readonly Dictionary<UnavailableReason, string> Reasons = new()
    {
        [UnavailableReason.Acquiring] = "acquiring",
        [UnavailableReason.Moving] = "moving",
        [UnavailableReason.Suspended] = "suspended",
        [UnavailableReason.Full] = "full",
        [UnavailableReason.Storage] = "storage",
        [UnavailableReason.Deadline] = "deadline",
        [UnavailableReason.Crashed] = "crashed",
        [UnavailableReason.NotOwned] = "notOwned",
        [UnavailableReason.Unreachable] = "unreachable",
    };

    /// <summary>Every command's stable name.</summary>
    public static IEnumerable<string> Names => ByName.Keys;

    public static byte[] Encode(PeerCommand command)
    {
        var name = ByType.TryGetValue(command.Command.GetType(), out var known)
            ? known
            : throw new InvalidOperationException($"{command.Command.GetType().Name} has no name on the way to other nodes; give it one in PeerCodec.");
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteString("session", command.Session.ToString());
            if (command.Key is { } key)
            {
                json.WriteStartObject("key");
                json.WriteString("id", key.Id.ToString());
                json.WriteString("hash", key.ContentHash.ToString("x16", CultureInfo.InvariantCulture));
                json.WriteEndObject();
            }
            json.WriteString("type", name);
            json.WritePropertyName("command");
            JsonSerializer.Serialize(json, command.Command, ByName[name]);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>Null with a sentence when this build cannot carry it out.</summary>
    public static PeerCommand? Decode(ReadOnlyMemory<byte> body, out string fault)
    {
        fault = "";
        try
        {
            var envelope = JsonSerializer.Deserialize(body.Span, PeerJson.Default.PeerEnvelope);
            if (envelope is null || envelope.Format > Format)
                fault = $"The command has the format {envelope?.Format}; this node reads formats up to {Format}.";
            else if (!ByName.TryGetValue(envelope.Type ?? "", out var type))
                fault = $"This node does not know the command {Shown(envelope.Type ?? "")}.";
            else if (!SessionKey.TryParse(envelope.Session, out var session))
                fault = "The command names no session.";
            else if (!TryReadKey(envelope.Key, out var key))
                fault = "The command's key cannot be read.";
            else if (envelope.Command.Deserialize(type) is SessionCommand command)
                return new PeerCommand(session, command, key);
            else
                fault = "The command is empty.";
        }
        catch (Exception unreadable) when (unreadable is JsonException or NotSupportedException or InvalidOperationException or FormatException)
        {
            fault = $"The command cannot be read: {unreadable.Message}";
        }
        return null;
    }

    public static PeerFrame Encode(PeerAnswer answer) => answer switch
    {
        PeerAnswer.Replied { Reply: CommandReply.Done done } => new PeerFrame(done.Status, PeerFrame.Done, done.Json),
        PeerAnswer.Replied { Reply: CommandReply.Refused refused } => new PeerFrame(
            refused.Problem.Status, PeerFrame.Refused, JsonSerializer.SerializeToUtf8Bytes(refused.Problem, ProtocolJson.Default.Problem)),
        PeerAnswer.Replied { Reply: CommandReply.Unavailable unavailable } => new PeerFrame(
            unavailable.Reason == UnavailableReason.Full ? 429 : 503, PeerFrame.Unavailable,
            JsonSerializer.SerializeToUtf8Bytes(
                new PeerDelay(Reasons[unavailable.Reason], (long)unavailable.RetryAfter.TotalMilliseconds, unavailable.Detail), PeerJson.Default.PeerDelay)),
        PeerAnswer.NotOwner notOwner => new PeerFrame(421, PeerFrame.NotOwner, JsonSerializer.SerializeToUtf8Bytes(HintOf(notOwner.Hint), PeerJson.Default.PeerHint)),
        PeerAnswer.Failed { Stage: PeerFailure.NotAccepted } refused => Refusal(409, refused.Detail),
        _ => throw new InvalidOperationException($"The answer {answer.GetType().Name} is not one that a node gives."),
    };

    /// <summary>A request that this node does not take, whoever owns the session.</summary>
    public static PeerFrame Refusal(int status, string detail) =>
        new(status, PeerFrame.NotAccepted, JsonSerializer.SerializeToUtf8Bytes(new PeerDelay("", 0, detail), PeerJson.Default.PeerDelay));

    /// <summary>What cannot be read may have been executed all the same: it is an unknown outcome.</summary>
    public static PeerAnswer Decode(int shardId, PeerFrame frame)
    {
        try
        {
            switch (frame.Answer)
            {
                case PeerFrame.Done:
                    return new PeerAnswer.Replied(new CommandReply.Done(frame.Status, frame.Body));
                case PeerFrame.Refused when JsonSerializer.Deserialize(frame.Body.Span, ProtocolJson.Default.Problem) is { } problem:
                    return new PeerAnswer.Replied(new CommandReply.Refused(problem));
                case PeerFrame.Unavailable when JsonSerializer.Deserialize(frame.Body.Span, PeerJson.Default.PeerDelay) is { } delay:
                    return new PeerAnswer.Replied(new CommandReply.Unavailable(ReasonOf(delay.Reason), TimeSpan.FromMilliseconds(Math.Clamp(delay.RetryAfterMs, 0, 60_000)), delay.Detail ?? ""));
                case PeerFrame.NotOwner when JsonSerializer.Deserialize(frame.Body.Span, PeerJson.Default.PeerHint) is { } hint:
                    return new PeerAnswer.NotOwner(OwnerOf(shardId, hint));
                case PeerFrame.NotAccepted when JsonSerializer.Deserialize(frame.Body.Span, PeerJson.Default.PeerDelay) is { } refusal:
                    return frame.Status == 413
                        ? TooLarge(refusal.Detail ?? "")
                        : new PeerAnswer.Failed(frame.Status == 400 ? PeerFailure.NotUnderstood : PeerFailure.NotAccepted, $"{frame.Status}: {refusal.Detail}");
            }
        }
        catch (JsonException unreadable)
        {
            return new PeerAnswer.Failed(PeerFailure.Unknown, $"The answer ({frame.Status}) cannot be read: {unreadable.Message}");
        }
        return new PeerAnswer.Failed(PeerFailure.Unknown, $"The answer ({frame.Status} {Shown(frame.Answer)}) is none that this node knows.");
    }

    /// <summary>No node takes it, now or later.</summary>
    public static PeerAnswer TooLarge(string detail) => new PeerAnswer.Replied(CommandReply.Refuse(413, ProblemCodes.BodyTooLarge, detail));

    private static bool TryReadKey(PeerKey? wire, out CommandKey? key)
    {
        key = null;
        if (wire is null)
            return true;
        if (!Guid.TryParseExact(wire.Id, "D", out var id) || !ulong.TryParse(wire.Hash, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hash))
            return false;
        key = new CommandKey(new CommandId(id), hash);
        return true;
    }

    /// <summary>A reason of a newer release is one to wait for: nothing was decided, that much the answer says.</summary>
    private static UnavailableReason ReasonOf(string? word)
    {
        foreach (var (reason, name) in Reasons)
        {
            if (name == word)
                return reason;
        }
        return UnavailableReason.Acquiring;
    }

    private static PeerHint HintOf(Owner? owner) => owner is null ? new PeerHint(null, 0, null) : new PeerHint(owner.Node.Value, owner.Epoch, owner.Address);

    private static Owner? OwnerOf(int shardId, PeerHint hint) =>
        hint is { Node: { } node, Address: { } address } ? new Owner(shardId, hint.Epoch, new NodeId(node), address) : null;

    private static string Shown(string word) => word.Length <= 64 && word.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-') ? word : "(unreadable)";
}

/// <summary>An answer as it travels: the HTTP status, the word in <c>X-Cluster-Answer</c>, the body. Bodies of decided commands pass unchanged.</summary>
internal readonly record struct PeerFrame(int Status, string Answer, ReadOnlyMemory<byte> Body)
{
    public const string Done = "done";
    public const string Refused = "refused";
    public const string Unavailable = "unavailable";
    public const string NotOwner = "notOwner";
    public const string NotAccepted = "notAccepted";

    /// <summary>A feed follows.</summary>
    public const string Feed = "feed";
}

/// <summary>What carries a command.</summary>
internal sealed record PeerEnvelope(int Format, string? Session, PeerKey? Key, string? Type, JsonElement Command);

/// <param name="Hash">16 hexadecimal digits: JSON numbers lose the last bits of 64.</param>
internal sealed record PeerKey(string? Id, string? Hash);

/// <summary>Why not now.</summary>
internal sealed record PeerDelay(string? Reason, long RetryAfterMs, string? Detail);

/// <summary>Who owns the shard instead; all null when it is not known.</summary>
internal sealed record PeerHint(Guid? Node, long Epoch, string? Address);

/// <summary>The JSON between nodes. Fields that a node does not know are passed over.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    Converters = [typeof(DurationConverter), typeof(TaskIdConverter), typeof(GroupNameConverter)])]
[JsonSerializable(typeof(SessionCommand.Open))]
[JsonSerializable(typeof(SessionCommand.Describe))]
[JsonSerializable(typeof(SessionCommand.End))]
[JsonSerializable(typeof(SessionCommand.SuspendAll))]
[JsonSerializable(typeof(SessionCommand.AddTask))]
[JsonSerializable(typeof(SessionCommand.AddTasks))]
[JsonSerializable(typeof(SessionCommand.ChangeTask))]
[JsonSerializable(typeof(SessionCommand.ResumeTask))]
[JsonSerializable(typeof(SessionCommand.SuspendTask))]
[JsonSerializable(typeof(SessionCommand.CancelTask))]
[JsonSerializable(typeof(SessionCommand.GetTask))]
[JsonSerializable(typeof(SessionCommand.ExplainTask))]
[JsonSerializable(typeof(SessionCommand.ListAttempts))]
[JsonSerializable(typeof(SessionCommand.KeepTask))]
[JsonSerializable(typeof(SessionCommand.WantRanges))]
[JsonSerializable(typeof(SessionCommand.GetRanges))]
[JsonSerializable(typeof(SessionCommand.LocateContent))]
[JsonSerializable(typeof(SessionCommand.MakeCurrent))]
[JsonSerializable(typeof(SessionCommand.AnswerChallenge))]
[JsonSerializable(typeof(SessionCommand.AnswerDelayedRequest))]
[JsonSerializable(typeof(SessionCommand.PutGroup))]
[JsonSerializable(typeof(SessionCommand.ActOnGroup))]
[JsonSerializable(typeof(SessionCommand.OpenCompletionGroup))]
[JsonSerializable(typeof(SessionCommand.EnableCompletionGroup))]
[JsonSerializable(typeof(SessionCommand.GetCompletionGroup))]
[JsonSerializable(typeof(SessionCommand.GetGroup))]
[JsonSerializable(typeof(SessionCommand.ListGroups))]
[JsonSerializable(typeof(SessionCommand.ListTasks))]
[JsonSerializable(typeof(SessionCommand.ReadEvents))]
[JsonSerializable(typeof(SessionCommand.Acknowledge))]
[JsonSerializable(typeof(SessionCommand.CompleteLaunch))]
[JsonSerializable(typeof(SessionCommand.GetWebhook))]
[JsonSerializable(typeof(SessionCommand.TestWebhook))]
[JsonSerializable(typeof(SessionCommand.EnableWebhook))]
[JsonSerializable(typeof(SessionCommand.DisableWebhook))]
[JsonSerializable(typeof(SessionCommand.ReplayPush))]
[JsonSerializable(typeof(SessionCommand.ShowHistory))]
[JsonSerializable(typeof(SessionCommand.FindReferenced))]
[JsonSerializable(typeof(SessionCommand.SetPrefetch))]
[JsonSerializable(typeof(SessionCommand.RemovePrefetch))]
[JsonSerializable(typeof(SessionCommand.GetPrefetch))]
[JsonSerializable(typeof(PeerEnvelope))]
[JsonSerializable(typeof(PeerDelay))]
[JsonSerializable(typeof(PeerHint))]
internal sealed partial class PeerJson : JsonSerializerContext;
