using System.Runtime.ExceptionServices;
using System.Text.Json;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Bulk;

/// <summary>Sends one batch until every chunk of it is answered, and gives each answer out once.</summary>
internal sealed class BulkRequest(Caller caller, string path, CommandId intent, BulkBatch batch)
{
    private readonly Queue<BulkChunk> _answers = new();
    private int _answered;
    private ExceptionDispatchInfo? _failure;

    /// <summary>The next answer, counted from the start of the whole upload; null when all are given out.</summary>
    public async Task<BulkChunk?> NextAsync(CancellationToken stop)
    {
        if (_answers.Count == 0 && _answered < batch.Lines && _failure is null)
        {
            try
            {
                await SendAsync(stop);
            }
            catch (BackhaulException refused)
            {
                _failure = ExceptionDispatchInfo.Capture(refused);   // what was stored before it is given out first
            }
        }
        if (_answers.TryDequeue(out var chunk))
            return chunk;
        _failure?.Throw();
        return null;
    }

    private Task<bool> SendAsync(CancellationToken stop)
    {
        var call = new Call(HttpMethod.Post, path) { Intent = intent, Body = batch.Bytes, MediaType = "application/x-ndjson", Accept = "application/x-ndjson" };
        return caller.RunAsync(call, ReadAnswersAsync, stop);
    }

    private async Task<bool> ReadAnswersAsync(HttpResponseMessage response, AttemptLimit limit)
    {
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(limit.Token));
        while (await lines.ReadLineAsync(limit.Token) is { } line)
        {
            limit.Progressed();
            if (line.Length > 0)
                Take(Parse(line, response));
        }
        return _answered == batch.Lines ? true : throw new IOException($"The answer ended after {_answered} of {batch.Lines} tasks.");
    }

    private void Take(BulkChunk chunk)
    {
        if (chunk.Error is { } error)
            throw Refused(chunk, error);
        if (chunk.From + chunk.Count <= _answered)
            return;   // answered in an earlier attempt
        if (chunk.From != _answered)
            throw new IOException($"The answer goes on at task {chunk.From}, but only {_answered} are answered.");
        _answered += chunk.Count;
        _answers.Enqueue(chunk with
        {
            From = batch.From + chunk.From,
            Results = chunk.Results?.Select(result => result with { Index = batch.From + result.Index }).ToArray(),
        });
    }

    private BackhaulException Refused(BulkChunk chunk, TaskError error)
    {
        var transient = error.Code is ProblemCodes.Busy or ProblemCodes.Unavailable or ProblemCodes.StorageFull or ProblemCodes.StorageFailed;
        return new BackhaulException(new Problem
        {
            Status = transient ? 503 : 422,
            Code = error.Code,
            Detail = $"{error.Message} (Tasks before number {batch.From + chunk.From} are stored; this one and those after it are not.)",
        })
        {
            IsTransient = transient,
        };
    }

    private static BulkChunk Parse(string line, HttpResponseMessage response)
    {
        try
        {
            return JsonSerializer.Deserialize(line, ProtocolJson.Default.BulkChunk) ?? throw new JsonException("The line is null.");
        }
        catch (JsonException broken)
        {
            throw Caller.Unexpected(response, broken);
        }
    }
}
