"""Bodies of GitHub's API, with every member that its OpenAPI description requires.

``test_forge_described.py`` checks them against the description.
"""

from hashlib import sha1
from urllib.parse import quote

WHEN = "2026-03-01T12:00:00Z"
ACTIONS_APP = 15368
API = "https://api.github.com"
WEB = "https://github.com"

_OF_USER = {
    "events_url": "/events{/privacy}",
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "organizations_url": "/orgs",
    "received_events_url": "/received_events",
    "repos_url": "/repos",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
}
_OF_REPOSITORY = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_COUNTS = (
    "forks",
    "forks_count",
    "network_count",
    "open_issues",
    "open_issues_count",
    "size",
    "stargazers_count",
    "subscribers_count",
    "watchers",
    "watchers_count",
)
_ABILITIES = ("has_discussions", "has_downloads", "has_issues", "has_pages", "has_projects")

Body = dict[str, object]


def number_of(text: str) -> int:
    """Return a number that stands for a name, the same every time."""
    return int(sha1(text.encode(), usedforsecurity=False).hexdigest()[:6], 16)


def commit_id(text: str) -> str:
    """Return a commit's id that stands for a name."""
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


def user(login: str) -> Body:
    """``simple-user``; a name that ends with ``[bot]`` is an app's."""
    url = f"{API}/users/{quote(login)}"
    return {
        "login": login,
        "id": number_of(login),
        "node_id": f"U_{number_of(login)}",
        "avatar_url": f"{WEB}/avatars/{number_of(login)}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{WEB}/{quote(login)}",
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
        **{name: url + rest for name, rest in _OF_USER.items()},
    }


def app(slug: str, number: int) -> Body:
    """``integration``."""
    return {
        "id": number,
        "slug": slug,
        "node_id": f"A_{number}",
        "owner": user("github"),
        "name": slug.replace("-", " ").title(),
        "description": "",
        "external_url": f"{WEB}/apps/{slug}",
        "html_url": f"{WEB}/apps/{slug}",
        "created_at": WHEN,
        "updated_at": WHEN,
        "permissions": {"metadata": "read"},
        "events": [],
    }


def repository(full_name: str, default_branch: str, *, private: bool) -> Body:
    """``full-repository``, which holds ``repository`` too."""
    owner, _, name = full_name.partition("/")
    url, page = f"{API}/repos/{full_name}", f"{WEB}/{full_name}"
    return {
        "id": number_of(full_name),
        "node_id": f"R_{number_of(full_name)}",
        "name": name,
        "full_name": full_name,
        "owner": user(owner),
        "private": private,
        "visibility": "private" if private else "public",
        "html_url": page,
        "url": url,
        "clone_url": f"{page}.git",
        "git_url": f"git:{page.removeprefix('https:')}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "svn_url": page,
        "default_branch": default_branch,
        "description": None,
        "homepage": None,
        "language": None,
        "license": None,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "fork": False,
        "has_wiki": False,
        "pushed_at": WHEN,
        "created_at": WHEN,
        "updated_at": WHEN,
        **dict.fromkeys(_ABILITIES, False),
        **dict.fromkeys(_COUNTS, 0),
        **{name: url + rest for name, rest in _OF_REPOSITORY.items()},
    }


def commit(full_name: str, sha: str) -> Body:
    """``commit``."""
    url = f"{API}/repos/{full_name}/commits/{sha}"
    git = f"{API}/repos/{full_name}/git"
    person = {"name": "Ana", "email": "ana@example.com", "date": WHEN}
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "url": url,
        "html_url": f"{WEB}/{full_name}/commit/{sha}",
        "comments_url": f"{url}/comments",
        "commit": {
            "url": f"{git}/commits/{sha}",
            "author": person,
            "committer": person,
            "message": "Change an order",
            "comment_count": 0,
            "tree": {"sha": commit_id(f"tree of {sha}"), "url": f"{git}/trees/{sha}"},
        },
        "author": user("ana"),
        "committer": user("ana"),
        "parents": [],
    }
