using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>From the text of tasks to specs. In an array each entry is judged alone: a bad one has its own answer and spoils no other.</summary>
internal static class TaskArray
{
    public static Validated<TaskSpec> ReadOne(
        ReadOnlySpan<byte> json, Func<ContainerName, bool> containerExists, Func<string, Validated<KeptPart>>? openResumeData = null, Func<string, SecretKind?>? findSecret = null)
    {
        var request = StrictJson.Read(json, ProtocolJson.Strict.TaskRequest);
        return request.IsValid ? TaskRules.Validate(request.Value, containerExists, openResumeData, findSecret) : request.Problem;
    }

    public static BatchEntry ReadEntry(
        long index, ReadOnlySpan<byte> json, Func<ContainerName, bool> containerExists, Func<string, Validated<KeptPart>>? openResumeData = null, Func<string, SecretKind?>? findSecret = null)
    {
        var spec = ReadOne(json, containerExists, openResumeData, findSecret);
        return new BatchEntry(index, spec.Value, spec.Problem);
    }

    public static Validated<List<BatchEntry>> Read(
        ReadOnlySpan<byte> json, int entriesMax, Func<ContainerName, bool> containerExists, Func<string, Validated<KeptPart>>? openResumeData = null, Func<string, SecretKind?>? findSecret = null)
    {
        var entries = new List<BatchEntry>();
        // One level more than an entry may have; an entry that is too deep for itself gets its own answer.
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 64 });
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (entries.Count == entriesMax)
                    return Problems.Create(400, ProblemCodes.TooManyItems, $"The array has more than {entriesMax} tasks. Send more of them as {RequestBodies.Lines}.");
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                entries.Add(ReadEntry(entries.Count, json[start..(int)reader.BytesConsumed], containerExists, openResumeData, findSecret));
            }
            while (reader.Read())
            {
            }
        }
        catch (JsonException broken)
        {
            return Problems.Create(400, ProblemCodes.InvalidJson,
                $"The body is not valid JSON: look at line {broken.LineNumber.GetValueOrDefault() + 1}, byte {broken.BytePositionInLine.GetValueOrDefault() + 1}. No task was taken.");
        }
        return entries;
    }
}
