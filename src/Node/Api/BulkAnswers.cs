using System.Buffers;
using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// The lines that answer a stream of tasks. Where all entries of a chunk were accepted alike, the line has the first and the last id
/// only; else it carries the results one by one, as the session wrote them.
/// </summary>
internal static class BulkAnswers
{
    public static ReadOnlyMemory<byte> Stored(long from, int count, ReadOnlyMemory<byte> results)
    {
        var tally = Count(results.Span);
        var line = new ArrayBufferWriter<byte>(tally.AllAlike ? 128 : results.Length + 128);
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("from", from);
            json.WriteNumber("count", count);
            json.WriteNumber("accepted", tally.Accepted);
            if (tally.AllAlike && tally.FirstId is not null)
            {
                json.WriteString("firstId", tally.FirstId);
                json.WriteString("lastId", tally.LastId);
            }
            else if (!tally.AllAlike)
            {
                json.WritePropertyName("results");
                json.WriteRawValue(results.Span, skipInputValidation: true);
            }
            json.WriteEndObject();
        }
        line.Write("\n"u8);
        return line.WrittenMemory;
    }

    public static ReadOnlyMemory<byte> Failed(long from, int count, TaskError error)
    {
        var line = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(line))
            JsonSerializer.Serialize(json, new BulkChunk { From = from, Count = count, Accepted = 0, Error = error }, ProtocolJson.Default.BulkChunk);
        line.Write("\n"u8);
        return line.WrittenMemory;
    }

    public static TaskError ErrorOf(CommandReply reply)
    {
        var problem = reply switch
        {
            CommandReply.Refused refused => refused.Problem,
            CommandReply.Unavailable unavailable => Replies.ToProblem(unavailable),
            _ => throw new InvalidOperationException($"{reply.GetType().Name} is not an error."),
        };
        return new TaskError { Code = problem.Code, Message = problem.Detail };
    }

    /// <summary>
    /// One pass over the session's results. Alike means that all were accepted, and either all under ids that the node gave out in
    /// order, or all under the clients' own; a verdict about one of them is to be seen.
    /// </summary>
    private static (int Accepted, bool AllAlike, string? FirstId, string? LastId) Count(ReadOnlySpan<byte> results)
    {
        var reader = new Utf8JsonReader(results);
        var (accepted, total, given) = (0, 0, 0);
        string? first = null;
        string? last = null;
        var status = 0;
        string? id = null;
        var hasVerdict = false;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 2 && reader.ValueTextEquals("status"u8))
            {
                reader.Read();
                status = reader.GetInt32();
            }
            else if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 2 && reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                id = reader.GetString();
            }
            else if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 2 && reader.ValueTextEquals("unconstrainedVerdict"u8))
            {
                hasVerdict = true;
            }
            else if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == 1)
            {
                total++;
                accepted += status is 200 or 201 ? 1 : 0;
                if (status == 201 && TaskId.TryParse(id, out var taken))
                {
                    given += taken.IsGiven ? 1 : 0;
                    first ??= id;
                    last = id;
                    status = 0;
                }
                else
                {
                    given = int.MinValue;
                }
            }
        }
        var allAlike = total > 0 && accepted == total && !hasVerdict && (given == total || given == 0);
        return (accepted, allAlike || total == 0, given == total ? first : null, given == total ? last : null);
    }
}
