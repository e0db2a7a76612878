using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>A session whose configuration changes for ever: a token in a header, every hour.</summary>
public sealed class ConfigurationVersionTests
{
    private static readonly SessionConfiguration Signed = new() { Push = new PushConfiguration { Url = "https://hooks.example/in", Secret = "hooks" } };

    [Fact]
    public void Versions_that_nothing_names_are_forgotten_when_there_is_no_room_for_another()
    {
        var session = new SessionHarness().Opened(Signed);
        var early = session.Add();
        Configure(session, 2, Token(2));
        var notified = session.Add(SessionHarness.Download() with { Notify = new TaskNotify { Success = "https://told.example/" } });
        Configure(session, 3, Token(3));
        session.Report(notified, session.Start(notified), SessionHarness.Finished());
        var challenged = session.Add();
        session.Report(challenged, session.Start(challenged), SessionHarness.Challenged());
        for (var version = 4; version <= ConfigurationBook.VersionsMax; version++)
            Configure(session, version, Token(version));
        Assert.True(session.Session.Configurations.IsFull);
        var snapshot = SessionSnapshot.Of(session.Session);

        Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.Open(Token(9_999))));
        Assert.Equal([1, 2, 3, ConfigurationBook.VersionsMax + 1], session.Session.Configurations.Versions.Keys);
        Assert.Equal("9999", session.Session.Configurations.Current.AdditionalHeaders!["X-Token"]);
        session.AssertReplaysEqual();
        session.Report(early, session.Start(early), SessionHarness.Finished()); // by the configuration that it was created under
        Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.Open(Token(10_000))));
        session.AssertReplaysEqual();

        // From a snapshot of an earlier release that is full.
        var restored = new Session(SessionHarness.Key, new SessionOptions());
        restored.Restore(snapshot);
        restored.Apply(new SessionConfigured(ConfigurationBook.VersionsMax + 1, Token(9_999), session.Now));
        Assert.Equal(4, restored.Configurations.Versions.Count);
    }

    [Fact]
    public void Another_configuration_is_refused_only_while_all_that_are_kept_are_in_use()
    {
        var session = new SessionHarness().Opened();
        for (var version = 1; version <= ConfigurationBook.VersionsMax; version++)
        {
            if (version > 1)
                Configure(session, version, Token(version));
            session.Apply([new TaskCreated(TaskId.FromOrdinal(version), version, SessionHarness.Download() with { Start = false }, version, session.Now)]);
        }
        var problem = session.Problem(new SessionCommand.Open(Token(9_999)));
        Assert.Equal((409, ProblemCodes.SessionLimit), (problem.Status, problem.Code));
        session.Do(new SessionCommand.CancelTask(TaskId.FromOrdinal(7)));
        Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.Open(Token(9_999))));
        Assert.DoesNotContain(7, session.Session.Configurations.Versions.Keys);
        session.AssertReplaysEqual();
    }

    private static SessionConfiguration Token(int token) => Signed with { AdditionalHeaders = new Dictionary<string, string> { ["X-Token"] = $"{token}" } };

    private static void Configure(SessionHarness session, int version, SessionConfiguration configuration) =>
        session.Apply([new SessionConfigured(version, ConfigurationBook.WithDefaults(configuration), session.Now)]);
}
