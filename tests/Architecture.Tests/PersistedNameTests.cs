using System.Reflection;
using System.Runtime.CompilerServices;
using Backhaul.Node.Sessions;
using Xunit;

namespace Backhaul.Architecture.Tests;

/// <summary>
/// What was written once must be readable for ever. The golden list grows at its end: a line that changes or disappears is a journal
/// that cannot be read any more. A new event or a new value gets a new line, in the same commit as its code.
/// </summary>
public sealed class PersistedNameTests
{
    private const string Golden = "tests/Architecture.Tests/persisted-names.txt";

    [Fact]
    public void Names_and_values_in_the_journal_are_those_of_the_golden_list()
    {
        var golden = Repository.Read(Golden).Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToList();
        var now = Events().Concat(Values<TaskKind>()).Concat(Values<SourceChangePolicy>()).Concat(Values<EndMode>()).Concat(Values<UploadProtocol>())
            .Concat(Values<WebhookTarget>()).Concat(Values<GroupMode>()).Concat(Values<GroupAct>()).Concat(Values<CompletionPhase>()).Concat(Values<ChallengeAnswerKind>()).ToList();
        Check.None(golden.Except(now), $"Written by earlier builds, unknown to this one (they need an upcaster, never a new name): {Golden}");
        Check.None(now.Except(golden), $"New: add these at the end of {Golden}");
        Assert.Equal(golden.Distinct(), golden);
    }

    /// <summary>Null values are left out when they are written; a required one would make its row unreadable.</summary>
    [Fact]
    public void Nothing_persisted_is_both_required_and_nullable()
    {
        var nullability = new NullabilityInfoContext();
        var wrong = from type in typeof(SessionEvent).Assembly.GetTypes().Concat(typeof(Protocol.TaskId).Assembly.GetTypes())
                    from property in type.GetProperties()
                    where property.IsDefined(typeof(RequiredMemberAttribute)) && nullability.Create(property).ReadState == NullabilityState.Nullable
                    select $"{type.Name}.{property.Name}";
        Check.None(wrong, "Drop required, or the question mark:");
    }

    private static IEnumerable<string> Events() => SessionEvent.Codec.Names.Select(name => $"event {name}");

    private static IEnumerable<string> Values<T>() where T : struct, Enum =>
        Enum.GetValues<T>().Select(value => $"value {typeof(T).Name}.{value} {Convert.ToInt32(value)}");
}
