using System.Text.Json;
using Backhaul.Node.Journal.Sqlite;

namespace Backhaul.NodeProcesses;

/// <summary>A row of a stopped node's journal.</summary>
internal sealed record JournalEntry(string Session, long Sequence, long Epoch, string EventType, long? Number, JsonElement Payload)
{
    /// <summary>By the node's clock.</summary>
    public required DateTimeOffset RecordedAt { get; init; }

    public string Task => Payload.TryGetProperty("task", out var task) ? task.GetString()! : "";
}

/// <summary>Looks into, and damages, the journal of a node that is not running.</summary>
internal static class JournalFile
{
    /// <summary>Every row, in order of session and sequence. Reads a copy: a file that was looked at is not the file of the crash any more.</summary>
    public static List<JournalEntry> Read(string data)
    {
        var copy = Directory.CreateTempSubdirectory("backhaul-journal-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(data))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            using var database = Open(copy);
            if (database.ReadInteger("SELECT count(*) FROM sqlite_master WHERE name = 'session_journal'") == 0)
                return []; // killed before the store was made
            return database.Prepare("SELECT session_id, sequence, epoch, event_type, number, payload, recorded_at FROM session_journal ORDER BY session_id, sequence").ReadAll(row =>
            {
                using var payload = JsonDocument.Parse(row.Blob(5));
                return new JournalEntry(row.Text(0), row.Integer(1), row.Integer(2), row.Text(3), row.IntegerOrNull(4), payload.RootElement.Clone())
                {
                    RecordedAt = SqliteTime.ToInstant(row.Integer(6)),
                };
            });
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>Runs a statement on the journal itself; how many rows it changed.</summary>
    public static int Execute(string data, string sql)
    {
        using var database = Open(data);
        database.Execute(sql);
        return database.Changes;
    }

    private static SqliteDatabase Open(string data) => SqliteDatabase.Open(Path.Combine(data, SqliteJournalStore.FileName), TimeSpan.Zero);
}
