using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// Asks a session through the router and turns anything but an answer into words and an exit. Operators' commands carry no
/// idempotency key of their own: where one may be repeated, the router gives it one.
/// </summary>
internal sealed class SessionAsk(ICommandRouter router, OpsOptions options)
{
    /// <summary>The answer's JSON, or an exit whose error is already written.</summary>
    public ValueTask<Answer> SendAsync(SessionKey session, SessionCommand command, PaletteOutput output, CancellationToken stop) =>
        SendAsync(session, command, options.CommandDeadline, output, stop);

    /// <summary>For a command that takes its time.</summary>
    public async ValueTask<Answer> SendAsync(SessionKey session, SessionCommand command, TimeSpan deadline, PaletteOutput output, CancellationToken stop)
    {
        switch (await router.ExecuteAsync(session, command, key: null, deadline, stop))
        {
            case CommandReply.Done done:
                return new Answer(done.Json, null);
            case CommandReply.Refused refused:
                await output.ErrorAsync($"{refused.Problem.Detail} ({refused.Problem.Code})");
                return new Answer(default, PaletteExit.Refused);
            case CommandReply.Unavailable unavailable:
                await output.ErrorAsync(
                    $"{session} did not decide this: {unavailable.Detail} Send the command again in {Math.Ceiling(unavailable.RetryAfter.TotalSeconds)} s.");
                return new Answer(default, PaletteExit.TryAgain);
            case var other:
                throw new InvalidOperationException($"The router answered with {other.GetType().Name}.");
        }
    }

    /// <summary>One of many: what it answers is the caller's to count, and nothing is written.</summary>
    public Task<CommandReply> AskAsync(SessionKey session, SessionCommand.Query query, CancellationToken stop) =>
        router.ExecuteAsync(session, query, key: null, options.CommandDeadline, stop).AsTask();

    internal readonly record struct Answer(ReadOnlyMemory<byte> Json, PaletteExit? Exit)
    {
        public T Read<T>(JsonTypeInfo<T> type) =>
            JsonSerializer.Deserialize(Json.Span, type) ?? throw new InvalidOperationException($"The session answered null for {typeof(T).Name}.");
    }
}
