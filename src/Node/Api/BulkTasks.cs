using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace Backhaul.Node.Api;

/// <summary>
/// A stream of tasks, one JSON object on each line. Lines are gathered into chunks of a fixed size; a chunk is one command with an
/// intent of its own (part <c>i</c> of the request's), and is answered by one line as soon as it is durable. So chunks depend on the
/// content alone, never on how it arrives, and a stream that broke off is repeated whole: chunks that were taken answer as before.
/// <code>
///   read and parse chunk i + 1 ║ chunk i is being committed ║ the answer of chunk i - 1 is on its way
/// </code>
/// At most one chunk is in flight and one is being read. Answers wait in a pipe, so that a client which reads only after it has
/// written everything is served too. A broken line is an entry with its own error; what cannot be taken at all (a line that is too
/// long, too many lines, a session that does not answer) ends the stream with a line that says so, and nothing after it was read.
/// Before the first answer the response has not begun, so that a stream for no session is a plain 404.
/// </summary>
internal sealed class BulkTasks : IResult
{
    private const int AnswerBytesMax = 16 * 1024 * 1024;

    private readonly HttpContext _context;
    private readonly SessionKey _session;
    private readonly SessionCalls _calls;
    private readonly Func<long, ReadOnlySpan<byte>, BatchEntry> _readEntry;
    private readonly CommandId? _intent;
    private readonly TimeSpan _deadline;
    private IncrementalHash _hash;
    private readonly Pipe _answers = new(new PipeOptions(pauseWriterThreshold: AnswerBytesMax, resumeWriterThreshold: AnswerBytesMax / 2));
    private readonly byte[] _line;
    private List<BatchEntry> _entries;
    private long _read;
    private int _chunk;
    private int _chunkBytes;
    private (Task<CommandReply> Reply, long From, int Count)? _inFlight;
    private CommandReply? _refusal;
    private Task? _pump;
    private bool _ended;

    private BulkTasks(
        HttpContext context, SessionKey session, SessionCalls calls, Func<long, ReadOnlySpan<byte>, BatchEntry> readEntry, CommandId? intent, TimeSpan deadline)
    {
        (_context, _session, _calls, _readEntry, _intent, _deadline) = (context, session, calls, readEntry, intent, deadline);
        _hash = CommandKeys.Begin(context);
        _line = ArrayPool<byte>.Shared.Rent(calls.Options.BulkLineBytesMax);
        _entries = new List<BatchEntry>(calls.Options.BulkChunkLines);
    }

    /// <param name="context">The request.</param>
    /// <param name="session">Of the tasks.</param>
    /// <param name="calls">Carry out the chunks.</param>
    /// <param name="readEntry">From the number and the text of a line to a task.</param>
    public static ValueTask<IResult> RunAsync(HttpContext context, SessionKey session, SessionCalls calls, Func<long, ReadOnlySpan<byte>, BatchEntry> readEntry)
    {
        if (CommandKeys.TryRead(context, out var intent) is { } badKey)
            return ValueTask.FromResult(Problems.Result(badKey));
        if (!calls.TryGetDeadline(context, out var deadline, out var badDeadline))
            return ValueTask.FromResult(Problems.Result(badDeadline));
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null; // bounded by lines and their length, and never held in memory
        return ValueTask.FromResult<IResult>(new BulkTasks(context, session, calls, readEntry, intent, deadline));
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        try
        {
            await ReadLinesAsync();
            if (!_ended && (_entries.Count > 0 || _read == 0))
                await SendAsync();
            await AnswerInFlightAsync();
            if (_refusal is not null)
            {
                await Replies.ToResult(_refusal).ExecuteAsync(_context);
                return;
            }
            await _answers.Writer.CompleteAsync();
            if (_pump is not null)
                await _pump;
        }
        catch (Exception broken)
        {
            await _answers.Writer.CompleteAsync(broken); // ends the pump, which ends in the same way
            throw;
        }
        finally
        {
            _hash.Dispose();
            ArrayPool<byte>.Shared.Return(_line);
        }
    }

    private async Task ReadLinesAsync()
    {
        var reader = _context.Request.BodyReader;
        while (!_ended)
        {
            var read = await reader.ReadAsync(_context.RequestAborted);
            var rest = read.Buffer;
            while (!_ended && TryTakeLine(ref rest, read.IsCompleted, out var line))
                await TakeAsync(line);
            if (!_ended && rest.Length > _calls.Options.BulkLineBytesMax)
                await EndWithTooLongAsync();
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                return;
        }
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> rest, bool isLast, out ReadOnlySequence<byte> line)
    {
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }
        line = rest;
        if (!isLast || rest.IsEmpty)
            return false;
        rest = rest.Slice(rest.End);
        return true;
    }

    private async ValueTask TakeAsync(ReadOnlySequence<byte> line)
    {
        if (line.Length > _calls.Options.BulkLineBytesMax)
        {
            await EndWithTooLongAsync();
            return;
        }
        if (!AddEntry(line))
            return;
        if (_read > _calls.Options.BulkTasksMax)
        {
            _entries.RemoveAt(_entries.Count - 1);
            _read--;
            await EndWithAsync(ProblemCodes.TooManyItems, $"One stream takes {_calls.Options.BulkTasksMax} tasks. Send the rest, from this line on, in another request.");
            return;
        }
        if (_entries.Count == _calls.Options.BulkChunkLines || _chunkBytes >= _calls.Options.BulkChunkBytesMax)
            await SendAsync();
    }

    /// <summary>False for an empty line, which counts for nothing.</summary>
    private bool AddEntry(ReadOnlySequence<byte> line)
    {
        ReadOnlySpan<byte> text;
        if (line.IsSingleSegment)
        {
            text = line.FirstSpan;
        }
        else
        {
            line.CopyTo(_line);
            text = _line.AsSpan(0, (int)line.Length);
        }
        text = text.Trim(" \t\r"u8);
        if (text.IsEmpty)
            return false;
        _chunkBytes += text.Length;
        _hash.AppendData(text);
        _hash.AppendData("\n"u8);
        _entries.Add(_readEntry(_read++, text));
        return true;
    }

    /// <summary>Hands the gathered chunk to the session, after the one before it was answered: order is kept, and so is the limit on memory.</summary>
    private async ValueTask SendAsync()
    {
        await AnswerInFlightAsync();
        if (_ended)
            return;
        _chunkBytes = 0;
        var entries = _entries;
        _entries = new List<BatchEntry>(_calls.Options.BulkChunkLines);
        var key = _intent is { } intent ? new CommandKey(intent.Part(_chunk), CommandKeys.End(_hash)) : null;
        _hash.Dispose();
        _hash = CommandKeys.Begin(_context);
        _chunk++;
        var reply = _calls.ExecutePartAsync(_context, _session, new SessionCommand.AddTasks(entries), key, _deadline).AsTask();
        _inFlight = (reply, entries.Count > 0 ? entries[0].Index : 0, entries.Count);
    }

    private async ValueTask AnswerInFlightAsync()
    {
        if (_inFlight is not { } chunk)
            return;
        _inFlight = null;
        var reply = await chunk.Reply;
        if (reply is CommandReply.Done done)
        {
            await AnswerAsync(BulkAnswers.Stored(chunk.From, chunk.Count, done.Json));
            return;
        }
        _ended = true;
        if (_pump is null)
            _refusal = reply;
        else
            await AnswerAsync(BulkAnswers.Failed(chunk.From, chunk.Count, BulkAnswers.ErrorOf(reply)));
    }

    private ValueTask EndWithTooLongAsync() =>
        EndWithAsync(ProblemCodes.BodyTooLarge, $"A line is longer than {_calls.Options.BulkLineBytesMax} bytes. Nothing from this line on was taken.");

    /// <summary>What was gathered before is still taken; then the stream ends with the reason.</summary>
    private async ValueTask EndWithAsync(string code, string sentence)
    {
        if (_entries.Count > 0)
            await SendAsync();
        await AnswerInFlightAsync();
        if (_ended)
            return;
        _ended = true;
        if (_pump is null)
            _refusal = CommandReply.Refuse(code == ProblemCodes.BodyTooLarge ? 413 : 400, code, sentence);
        else
            await AnswerAsync(BulkAnswers.Failed(_read, 0, new TaskError { Code = code, Message = sentence }));
    }

    private async ValueTask AnswerAsync(ReadOnlyMemory<byte> line)
    {
        if (_pump is null)
        {
            _context.Response.ContentType = RequestBodies.Lines;
            _context.Response.Headers.CacheControl = "no-store";
            _pump = PumpAsync();
        }
        await _answers.Writer.WriteAsync(line, _context.RequestAborted);
    }

    /// <summary>Brings answers to the client as they come, apart from the reading of lines.</summary>
    private async Task PumpAsync()
    {
        var reader = _answers.Reader;
        try
        {
            await reader.CopyToAsync(_context.Response.Body, _context.RequestAborted);
            await reader.CompleteAsync();
        }
        catch (Exception broken)
        {
            // The writer hears of it at its next line, and whoever awaits the pump hears what it was.
            await reader.CompleteAsync(broken);
            throw;
        }
    }
}
