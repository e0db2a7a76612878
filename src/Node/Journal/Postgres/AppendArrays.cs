using Npgsql;
using NpgsqlTypes;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>A batch as the arrays that AppendStatement takes: one for each column, and the grants that the rows refer to by ordinal.</summary>
internal sealed class AppendArrays
{
    private readonly IReadOnlyList<SessionAppend> _batch;
    private readonly List<ShardGrant> _grants = [];
    private readonly long[] _ordinals;

    public AppendArrays(IReadOnlyList<SessionAppend> batch)
    {
        _batch = batch;
        _ordinals = new long[batch.Count];
        var known = new Dictionary<ShardGrant, int>(batch.Count);
        for (var index = 0; index < batch.Count; index++)
        {
            if (!known.TryGetValue(batch[index].Grant, out var ordinal))
            {
                _grants.Add(batch[index].Grant);
                known.Add(batch[index].Grant, ordinal = _grants.Count);
            }

            _ordinals[index] = ordinal;
        }
    }

    /// <summary>What the statement's answer means.</summary>
    public CommitReport Report(long[]? held)
    {
        if (held is not null && held.Length == _grants.Count)
            return CommitReport.Complete;
        var lost = Enumerable.Range(1, _grants.Count).Select(static ordinal => (long)ordinal).Except(held ?? []);
        return new CommitReport(lost.Select(ordinal => _grants[(int)ordinal - 1].ShardId).ToHashSet());
    }

    public void Bind(NpgsqlParameterCollection parameters)
    {
        parameters.WithArray(NpgsqlDbType.Integer, _grants.Select(static grant => grant.ShardId).ToArray());
        parameters.WithArray(NpgsqlDbType.Bigint, _grants.Select(static grant => grant.Epoch).ToArray());
        parameters.WithArray(NpgsqlDbType.Uuid, _grants.Select(static grant => grant.Node.Value).ToArray());
        BindHeads(parameters);
        BindRows(parameters);
        BindArchive(parameters);
        BindClaims(parameters);
        BindExpiries(parameters);
    }

    private void BindHeads(NpgsqlParameterCollection parameters)
    {
        parameters.WithArray(NpgsqlDbType.Bigint, _ordinals);
        parameters.WithArray(NpgsqlDbType.Text, Each(static append => append.Session.ToString()));
        parameters.WithArray(NpgsqlDbType.Bigint, Each(static append => append.FirstSequence - 1));
        parameters.WithArray(NpgsqlDbType.Bigint, Each(static append => append.FirstSequence + append.Rows.Count - 1));
        parameters.WithArray(NpgsqlDbType.Bigint, Each(static append => append.Head.LastNumber));
        parameters.WithArray(NpgsqlDbType.Text, Each(static append => append.Head.State));
        parameters.WithArray(NpgsqlDbType.Integer, Each(static append => append.Head.Generation));
        parameters.WithArray(NpgsqlDbType.TimestampTz, Each(static append => append.Head.WakeAt?.UtcDateTime));
    }

    private void BindRows(NpgsqlParameterCollection parameters)
    {
        var count = _batch.Sum(static append => append.Rows.Count);
        var (ordinals, sessions, sequences) = (new long[count], new string[count], new long[count]);
        var (numbers, lastNumbers, commands) = (new long?[count], new long[count], new Guid?[count]);
        var (types, payloads) = (new string[count], new ReadOnlyMemory<byte>[count]);
        var at = 0;
        for (var index = 0; index < _batch.Count; index++)
        {
            var append = _batch[index];
            var session = append.Session.ToString();
            var sequence = append.FirstSequence;
            var lastNumber = NumberBefore(append);
            foreach (var row in append.Rows)
            {
                lastNumber = row.Number ?? lastNumber;
                (ordinals[at], sessions[at], sequences[at]) = (_ordinals[index], session, sequence++);
                (numbers[at], lastNumbers[at], commands[at]) = (row.Number, lastNumber, row.Command?.Value);
                (types[at], payloads[at]) = (row.EventType, row.Payload);
                at++;
            }
        }

        parameters.WithArray(NpgsqlDbType.Bigint, ordinals);
        parameters.WithArray(NpgsqlDbType.Text, sessions);
        parameters.WithArray(NpgsqlDbType.Bigint, sequences);
        parameters.WithArray(NpgsqlDbType.Bigint, numbers);
        parameters.WithArray(NpgsqlDbType.Bigint, lastNumbers);
        parameters.WithArray(NpgsqlDbType.Uuid, commands);
        parameters.WithArray(NpgsqlDbType.Text, types);
        parameters.WithArray(NpgsqlDbType.Bytea, payloads);
    }

    private void BindArchive(NpgsqlParameterCollection parameters)
    {
        var tasks = _batch.SelectMany((append, index) => append.Archive.Select(task => (Ordinal: _ordinals[index], append.Session, Task: task))).ToArray();
        parameters.WithArray(NpgsqlDbType.Bigint, Array.ConvertAll(tasks, static task => task.Ordinal));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(tasks, static task => task.Session.ToString()));
        parameters.WithArray(NpgsqlDbType.Integer, Array.ConvertAll(tasks, static task => task.Task.Generation));
        parameters.WithArray(NpgsqlDbType.Bigint, Array.ConvertAll(tasks, static task => task.Task.Ordinal));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(tasks, static task => task.Task.Id.ToString()));
        parameters.WithArray(NpgsqlDbType.Bytea, Array.ConvertAll(tasks, static task => task.Task.Payload));
    }

    private void BindExpiries(NpgsqlParameterCollection parameters)
    {
        var files = _batch.SelectMany((append, index) => append.Expiries.Select(expiry => (Ordinal: _ordinals[index], append.Session, Expiry: expiry))).ToArray();
        parameters.WithArray(NpgsqlDbType.Bigint, Array.ConvertAll(files, static file => file.Ordinal));
        parameters.WithArray(NpgsqlDbType.TimestampTz, Array.ConvertAll(files, static file => file.Expiry.At.UtcDateTime));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(files, static file => file.Session.ToString()));
        parameters.WithArray(NpgsqlDbType.Integer, Array.ConvertAll(files, static file => file.Expiry.Generation));
        parameters.WithArray(NpgsqlDbType.Bigint, Array.ConvertAll(files, static file => file.Expiry.Ordinal));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(files, static file => file.Expiry.Destination.Text));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(files, static file => file.Expiry.ETag));
    }

    private void BindClaims(NpgsqlParameterCollection parameters)
    {
        var changes = _batch.SelectMany((append, index) => append.Claims.Select(change => (Ordinal: _ordinals[index], append.Session, Change: change))).ToArray();
        var claimed = Array.FindAll(changes, static change => change.Change.Task is not null);
        var freed = Array.FindAll(changes, static change => change.Change.Task is null);
        parameters.WithArray(NpgsqlDbType.Bigint, Array.ConvertAll(claimed, static change => change.Ordinal));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(claimed, static change => change.Change.Destination.Text));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(claimed, static change => change.Session.ToString()));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(claimed, static change => change.Change.Task!.Value.ToString()));
        parameters.WithArray(NpgsqlDbType.Bigint, Array.ConvertAll(freed, static change => change.Ordinal));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(freed, static change => change.Change.Destination.Text));
        parameters.WithArray(NpgsqlDbType.Text, Array.ConvertAll(freed, static change => change.Session.ToString()));
    }

    /// <summary>The event number that the session stood at before this append.</summary>
    private static long NumberBefore(SessionAppend append)
    {
        foreach (var row in append.Rows)
        {
            if (row.Number is { } first)
                return first - 1;
        }

        return append.Head.LastNumber;
    }

    private T[] Each<T>(Func<SessionAppend, T> value)
    {
        var values = new T[_batch.Count];
        for (var index = 0; index < values.Length; index++)
            values[index] = value(_batch[index]);
        return values;
    }
}
