using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Backhaul.Node.Journal;

/// <summary>What an event is stored as.</summary>
internal readonly record struct EncodedEvent(string Name, ReadOnlyMemory<byte> Payload, bool Numbered);

/// <summary>What became of a stored row. A row that cannot be read is never skipped: the caller decides, usually quarantine.</summary>
internal abstract record DecodeResult<TEvent>
{
    private DecodeResult()
    {
    }

    internal sealed record Decoded(TEvent Event) : DecodeResult<TEvent>;

    /// <summary>No build up to this one wrote that name; perhaps a later one did.</summary>
    internal sealed record UnknownName(string Name) : DecodeResult<TEvent>;

    /// <summary>The name is known, the payload cannot be read.</summary>
    internal sealed record Broken(string Name, string Why) : DecodeResult<TEvent>;
}

/// <summary>
/// Between events and their persisted form: a stable name with a version (<c>task.created.v1</c>) and UTF-8 JSON. Names are an
/// append-only list checked against a golden file: a type may be renamed freely, a name never. When an event's shape changes, the new
/// shape gets the next version, and the old name an upcaster that rewrites the old JSON into the next one; upcasters chain.
/// Filled once at start by Sessions, read-only afterwards, hence safe on every thread.
/// </summary>
internal sealed class EventCodec<TEvent>
    where TEvent : class
{
    private readonly Dictionary<Type, Entry> _byType = [];
    private readonly Dictionary<string, Entry> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Upcaster> _upcasters = new(StringComparer.Ordinal);

    /// <summary>Every name that can be read, old ones included, in ordinal order.</summary>
    public IReadOnlyList<string> Names => [.. _byName.Keys.Concat(_upcasters.Keys).Order(StringComparer.Ordinal)];

    /// <summary>
    /// Gives a type its name. <paramref name="numbered"/> says that clients see this event, so that its row takes an event number.
    /// </summary>
    public EventCodec<TEvent> Register<T>(string name, JsonTypeInfo<T> info, bool numbered)
        where T : class, TEvent
    {
        CheckNewName(name);
        var entry = new Entry(name, info, numbered);
        if (!_byType.TryAdd(typeof(T), entry))
            throw new ArgumentException($"{typeof(T).Name} already has the name '{_byType[typeof(T)].Name}'.", nameof(name));
        _byName.Add(name, entry);
        return this;
    }

    /// <summary>Makes rows of an old name readable: <paramref name="upgrade"/> turns their JSON into that of <paramref name="newName"/>.</summary>
    public EventCodec<TEvent> Upcast(string oldName, string newName, Func<JsonObject, JsonObject> upgrade)
    {
        CheckNewName(oldName);
        for (var name = newName; _upcasters.TryGetValue(name, out var next); name = next.NewName)
        {
            if (next.NewName == oldName)
                throw new ArgumentException($"The upcasters of '{oldName}' would run in a circle.", nameof(newName));
        }

        _upcasters.Add(oldName, new Upcaster(newName, upgrade));
        return this;
    }

    public bool IsNumbered(TEvent happened) => EntryOf(happened).Numbered;

    public EncodedEvent Encode(TEvent happened)
    {
        var entry = EntryOf(happened);
        return new EncodedEvent(entry.Name, JsonSerializer.SerializeToUtf8Bytes(happened, entry.Info), entry.Numbered);
    }

    public DecodeResult<TEvent> Decode(string name, ReadOnlyMemory<byte> payload)
    {
        try
        {
            if (_byName.TryGetValue(name, out var entry))
                return Read(name, JsonSerializer.Deserialize(payload.Span, entry.Info));
            return _upcasters.ContainsKey(name) ? DecodeOld(name, payload) : new DecodeResult<TEvent>.UnknownName(name);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException or FormatException or NotSupportedException)
        {
            return new DecodeResult<TEvent>.Broken(name, unreadable.Message);
        }
    }

    private DecodeResult<TEvent> DecodeOld(string name, ReadOnlyMemory<byte> payload)
    {
        if (JsonNode.Parse(payload.Span) is not JsonObject json)
            return new DecodeResult<TEvent>.Broken(name, "the payload is not a JSON object");
        var current = name;
        while (_upcasters.TryGetValue(current, out var upcaster))
        {
            json = upcaster.Upgrade(json);
            current = upcaster.NewName;
        }

        return _byName.TryGetValue(current, out var entry)
            ? Read(name, json.Deserialize(entry.Info))
            : new DecodeResult<TEvent>.Broken(name, $"its upcaster leads to '{current}', which nothing is registered for");
    }

    private static DecodeResult<TEvent> Read(string name, object? value) =>
        value is TEvent happened ? new DecodeResult<TEvent>.Decoded(happened) : new DecodeResult<TEvent>.Broken(name, "the payload is null");

    private Entry EntryOf(TEvent happened) =>
        _byType.TryGetValue(happened.GetType(), out var entry)
            ? entry
            : throw new InvalidOperationException($"{happened.GetType().Name} has no persisted name: register it with the codec.");

    private void CheckNewName(string name)
    {
        if (!IsValid(name))
        {
            throw new ArgumentException(
                $"'{name}' is not a persisted name: words of letters joined by dots, then .v and a version from 1.", nameof(name));
        }

        if (_byName.ContainsKey(name) || _upcasters.ContainsKey(name))
            throw new ArgumentException($"The persisted name '{name}' is taken.", nameof(name));
    }

    private static bool IsValid(string name)
    {
        var words = name.Split('.');
        return words.Length >= 2
            && words[..^1].All(word => word.Length > 0 && char.IsAsciiLetterLower(word[0]) && word.All(char.IsAsciiLetter))
            && words[^1] is ['v', >= '1' and <= '9', ..] && words[^1].AsSpan(1).ContainsAnyExceptInRange('0', '9') is false;
    }

    private sealed record Entry(string Name, JsonTypeInfo Info, bool Numbered);

    private sealed record Upcaster(string NewName, Func<JsonObject, JsonObject> Upgrade);
}
