using System.Globalization;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>
/// One node with a task for each row, killed once when all of them are in the middle of their first attempt. What goes on is the next process.
/// </summary>
public sealed class KilledLives : IAsyncLifetime
{
    private const string Session = "lives";
    private const string SilentSession = "silences";
    private static readonly TimeSpan LeadWithin = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(90);

    private static readonly Dictionary<string, string> Settings = new()
    {
        ["Backhaul:Egress:Allow:1"] = "127.0.0.0/8",
        ["Backhaul:Egress:ConnectTimeout"] = "00:00:05",
        ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050",
        ["Backhaul:Transfers:SmallFileBytesMax"] = "0",
        ["Backhaul:Transfers:RunningMin"] = "250",
        ["Backhaul:Transfers:RunningStart"] = "250",
        ["Backhaul:Transfers:HostMax"] = "250",
    };

    private readonly NodeFolder _folder = new();
    private readonly Dictionary<string, (int Requests, long Durable)> _before = new(StringComparer.Ordinal);
    private ScriptedOrigin _origin = null!;
    private NodeProcess _node = null!;

    private static IReadOnlyList<FaultRow> Rows => KilledRows.All;

    public async ValueTask InitializeAsync()
    {
        _origin = await ScriptedOrigin.StartAsync(tlsPort: 0);
        var environment = new Dictionary<string, string> { [OriginTrust.Variable] = OriginTrust.File };
        // Each at an address of its own: what one origin says of patience, or how often it breaks, holds back nobody else.
        var hosts = Rows.Select((row, i) => (row.Name, Host: row.Face is null ? string.Create(CultureInfo.InvariantCulture, $"127.0.1.{i + 1}") : _origin.ReserveFace()))
            .ToDictionary(row => row.Name, row => row.Host, StringComparer.Ordinal);
        await using (var first = await NodeProcess.StartAsync(_folder.Data, Settings, environment: environment))
        {
            const string retry = "\"maxConnectionsPerHost\":64,\"retry\":{\"first\":\"PT0.01S\",\"longest\":\"PT0.05S\"}";
            for (var group = 0; group * 40 < Rows.Count; group++)
                await first.Api.OpenAsync($"{Session}{group}", $"{{{retry}}}");
            await first.Api.OpenAsync(SilentSession, $"{{{retry},\"requestTimeout\":\"PT12S\"}}");
            foreach (var row in Rows.OrderBy(row => row.IsSilence)) // the impatient ones last
                await AddAsync(first, row, hosts[row.Name]);
            await Eventually.TrueAsync(() => Task.FromResult(Rows.All(HasLed)), LeadWithin, () => $"{Rows.Count(row => !HasLed(row))} rows to begin; the first is {Rows.First(row => !HasLed(row))}");
            await Eventually.TrueAsync(() => Task.FromResult(NotDurable().Count == 0), LeadWithin, () => $"the checkpoints of {string.Join(", ", NotDurable())}");
            await first.KillAsync();
        }
        ReadWhatIsDurable();
        foreach (var row in Rows.Where(row => row.Face is not null))
            _origin.Wear(hosts[row.Name], row.Face!.Value, row.FaceTimes);
        _node = await NodeProcess.StartAsync(_folder.Data, Settings, environment: environment);
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
        if (_origin is not null)
            await _origin.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Waits for the end of a row's task, and holds it to its trace.</summary>
    internal async Task CheckAsync(FaultRow row)
    {
        var task = row.Seed(Way.AfterKill);
        await _node.Api.TaskWhenAsync(SessionOf(row), task, HasEnded, EndWithin);
        var answer = await _node.Api.GetAsync($"/v1/sessions/{SessionOf(row)}/tasks/{task}/attempts");
        // The gate let nothing out of a held back one: no request, and no end that a user hears of.
        var attempts = answer.Json.GetProperty("items").EnumerateArray().Where(attempt => End(attempt) != TransferCodes.HeldBack).ToList();
        Assert.Equal("interrupted", attempts[0].GetProperty("decision").GetString());
        var (asked, durable) = _before[row.Name];
        var starts = attempts.Skip(1).Select(attempt => attempt.GetProperty("from").GetInt64()).ToList();
        var requests = Requests(row);
        var asks = requests.Skip(asked).Select((request, i) => new SeenAsk(request, i == 0 ? [durable] : [durable, .. starts, SeenAsk.EndOf(requests[asked + i - 1])])).ToList();
        await RowCheck.HoldsAsync(row, Way.AfterKill, [.. attempts.Skip(1).Select(End)], asks, FileOf(task));
        for (var i = 1; i < asks.Count && row.RetryAfter > TimeSpan.Zero; i++)
            Assert.True(asks[i].Request.At - asks[i - 1].Request.At >= row.RetryAfter, $"{row} was asked again after {asks[i].Request.At - asks[i - 1].Request.At}.");
    }

    /// <summary>Who waits for a credential waits for a user.</summary>
    private static bool HasEnded(JsonElement task) =>
        task.GetProperty("state").GetString() == "completed"
        || (task.GetProperty("state").GetString() == "waiting" && task.GetProperty("reason").GetString() == TransferCodes.Credential);

    private static string End(JsonElement attempt) =>
        attempt.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object ? error.GetProperty("code").GetString()! : Trace.Done;

    private static string SessionOf(FaultRow row)
    {
        for (var i = 0; i < Rows.Count; i++)
        {
            if (ReferenceEquals(Rows[i], row) || Rows[i].Name == row.Name)
                return row.IsSilence ? SilentSession : string.Create(CultureInfo.InvariantCulture, $"{Session}{i / 40}");
        }
        throw new InvalidOperationException($"No row is called {row.Name}.");
    }

    private async Task AddAsync(NodeProcess node, FaultRow row, string host)
    {
        var task = row.Seed(Way.AfterKill);
        var query = row.QueryFor(Way.AfterKill);
        var url = row.Face is null ? _origin.BytesAt(host, task, row.Length, query) : _origin.SecureBytes(task, row.Length, query, host);
        var fields = new Dictionary<string, object>
        {
            ["id"] = task,
            ["kind"] = "download",
            ["url"] = url,
            ["destination"] = $"default/{task}.bin",
        };
        if (row.MaxBytes is { } max)
            fields["maxBytes"] = max;
        if (row.HasDigest)
            fields["digest"] = new Dictionary<string, string> { ["algorithm"] = "sha-256", ["value"] = OriginContent.Sha256(task, row.Length) };
        var answer = await node.Api.SendAsync(HttpMethod.Post, $"/v1/sessions/{SessionOf(row)}/tasks", JsonSerializer.Serialize(fields), key: task);
        Assert.True((int)answer.Status is 200 or 201, $"{row}: {answer.Text}");
    }

    private List<OriginRequest> Requests(FaultRow row)
    {
        var prefix = $"/bytes/{row.Seed(Way.AfterKill)}/";
        return [.. _origin.Requests.Where(request => request.Path.StartsWith(prefix, StringComparison.Ordinal))];
    }

    private bool HasLed(FaultRow row) => Requests(row) is [{ } first, ..] && first.BytesSent == row.Lead;

    private List<string> NotDurable()
    {
        var durable = Durable();
        return [.. Rows.Where(row => !row.IsUnprovable && durable.GetValueOrDefault(row.Seed(Way.AfterKill)).Bytes == 0).Select(row => $"{row} ({string.Join(' ', Requests(row).Select(request => request.BytesSent))} sent)")];
    }

    private Dictionary<string, (long Bytes, string Part)> Durable() => JournalFile.Read(_folder.Data)
        .Where(row => row.EventType == "task.checkpointed.v1")
        .GroupBy(row => row.Task, StringComparer.Ordinal)
        .ToDictionary(
            rows => rows.Key,
            rows => (rows.Last().Payload.GetProperty("part").GetProperty("bytes").GetInt64(), rows.Last().Payload.GetProperty("part").GetProperty("part").GetString()!),
            StringComparer.Ordinal);

    private void ReadWhatIsDurable()
    {
        var durable = Durable();
        foreach (var row in Rows)
        {
            var (bytes, part) = durable.GetValueOrDefault(row.Seed(Way.AfterKill));
            _before[row.Name] = (Requests(row).Count, row.IsUnprovable ? 0 : bytes);
            if (row.Sabotage != Sabotage.None)
                PartFiles.Damage(_folder.Data, part, row.Sabotage);
        }
    }

    private string? FileOf(string task) => Directory.EnumerateFiles(_folder.Data, $"{task}.bin", SearchOption.AllDirectories).SingleOrDefault();
}
