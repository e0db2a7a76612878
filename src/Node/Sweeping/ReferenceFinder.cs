using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Sweeping;

/// <summary>What is known of a leftover.</summary>
internal enum ReferenceState
{
    /// <summary>A session refers to it.</summary>
    Referenced = 1,

    /// <summary>Its session says that it does not, or there is no such session.</summary>
    Unreferenced = 2,

    /// <summary>Its session could not be asked: quarantined, moving, or the store is away; or there are sessions whose keys cannot be read.</summary>
    Unknown = 3,
}

/// <summary>
/// Asks the sessions. Names of files hold a hash of the session's key only, so the list of sessions is read once for a page of leftovers, hashed, and those that
/// are meant are kept: memory is bounded by the page, however many sessions there are. The session itself answers, through its owner and after its turn's commit, so
/// what it says is durable; in doubt everything stays.
/// </summary>
internal sealed class ReferenceFinder(IJournalStore store, ICommandRouter router)
{
    private const int SessionsPerRead = 1_000;
    private const int StemsPerQuestion = 500;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    /// <summary>One state for each of the leftovers, in their order. Throws <see cref="JournalStoreException"/> when sessions cannot be listed.</summary>
    public async ValueTask<IReadOnlyList<ReferenceState>> FindAsync(IReadOnlyList<Leftover> leftovers, CancellationToken stop)
    {
        var states = new ReferenceState[leftovers.Count];
        var byHash = Enumerable.Range(0, leftovers.Count).Where(index => leftovers[index].Task is not null)
            .GroupBy(index => leftovers[index].Task!.Value.Hash, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.ToArray(), StringComparer.Ordinal);
        Array.Fill(states, ReferenceState.Unknown); // what carries no name of ours is nobody's to remove
        var (sessions, areAll) = await FindSessionsAsync(byHash.Keys, stop);
        foreach (var (hash, places) in byHash)
        {
            if (!sessions.TryGetValue(hash, out var session))
            {
                // A session whose key cannot be read may be the one that is meant: in doubt everything stays.
                foreach (var place in places)
                    states[place] = areAll ? ReferenceState.Unreferenced : ReferenceState.Unknown;
                continue;
            }
            foreach (var some in places.Chunk(StemsPerQuestion))
                await AskAsync(session, leftovers, some, states, stop);
        }
        return states;
    }

    /// <summary>The sessions of these hashes, and whether every session there is was looked at or found.</summary>
    private async ValueTask<(Dictionary<string, SessionKey> Found, bool AreAll)> FindSessionsAsync(IReadOnlyCollection<string> hashes, CancellationToken stop)
    {
        var wanted = new HashSet<string>(hashes, StringComparer.Ordinal);
        var found = new Dictionary<string, SessionKey>(StringComparer.Ordinal);
        var unreadable = 0;
        string? after = null;
        while (wanted.Count > 0)
        {
            var page = await store.ListSessionsAsync(null, after, SessionsPerRead, stop);
            foreach (var head in page.Heads)
            {
                var hash = ResultPath.HashOf(head.Session);
                if (wanted.Contains(hash))
                    found[hash] = head.Session;
            }
            unreadable += page.Unreadable;
            after = page.Next;
            if (after is null)
                break;
        }
        return (found, unreadable == 0);
    }

    private async ValueTask AskAsync(SessionKey session, IReadOnlyList<Leftover> leftovers, int[] places, ReferenceState[] states, CancellationToken stop)
    {
        var stems = places.Select(place => new TaskStem(leftovers[place].Task!.Value.Generation, leftovers[place].Task!.Value.Task)).ToList();
        var reply = await router.ExecuteAsync(session, new SessionCommand.FindReferenced(stems), null, Deadline, stop);
        if (reply is CommandReply.Refused { Problem.Code: ProblemCodes.SessionNotFound })
        {
            foreach (var place in places)
                states[place] = ReferenceState.Unreferenced;
        }
        if (reply is not CommandReply.Done done || JsonSerializer.Deserialize(done.Json.Span, FileReferencesJson.Default.FileReferences) is not { } references)
            return;
        var (parts, results) = (references.Parts.ToHashSet(), references.Results.ToHashSet());
        for (var index = 0; index < places.Length; index++)
        {
            var isReferenced = (leftovers[places[index]].Kind == LeftoverKind.Part ? parts : results).Contains(index);
            states[places[index]] = isReferenced ? ReferenceState.Referenced : ReferenceState.Unreferenced;
        }
    }
}
